#!/bin/bash
# Runs an S3 store on 127.0.0.1:7070 with the bucket "uploads", for the examples: the Versity S3
# Gateway, which Go builds at the first start. In another terminal, start Cognate in front of it:
#   export COGNATE_GATEWAY_LISTEN=127.0.0.1:9232 COGNATE_GATEWAY_STORE=http://127.0.0.1:7070
#   export COGNATE_GATEWAY_ACCESS_KEY=store COGNATE_GATEWAY_SECRET_KEY=store-secret
#   export COGNATE_GATEWAY_ORIGIN=http://localhost:3000
#   make dev
# Settings: STORE_PORT is the port, STORE_FOLDER is where the objects are, STORE_PROGRAM is a store
# that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${STORE_FOLDER:-$PWD/.cache/store}
program=${STORE_PROGRAM:-$PWD/.cache/versitygw}
if [ ! -x "$program" ]; then
  echo "building the store, which takes some minutes"
  go build -C tools/versitygw -ldflags='-s -w' -o "$program" github.com/versity/versitygw/cmd/versitygw
fi
mkdir -p "$folder/objects/uploads" "$folder/attributes"
export ROOT_ACCESS_KEY=store ROOT_SECRET_KEY=store-secret
exec "$program" --port "127.0.0.1:${STORE_PORT:-7070}" --region us-east-1 --quiet --keep-alive \
  posix --sidecar "$folder/attributes" "$folder/objects"
