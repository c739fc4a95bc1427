#!/bin/bash
# Makes an identity pool whose guests may use the API, and uses it as two guests.
# Settings: COGNATE_ENDPOINT and COGNATE_GATEWAY are the addresses of server and gateway.
set -euo pipefail

export AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=
endpoint=${COGNATE_ENDPOINT:-http://localhost:9229}
gateway=${COGNATE_GATEWAY:-http://127.0.0.1:9232}
cognate() { aws --endpoint-url "$endpoint" --output text "$@"; }

pool=$(cognate cognito-identity create-identity-pool --identity-pool-name notes --allow-unauthenticated-identities --query IdentityPoolId)
role=$(cognate iam create-role --role-name notes --query Role.Arn --assume-role-policy-document '{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Principal": {"Federated": "cognito-identity.amazonaws.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "'"$pool"'"}}
  }]
}')
cognate iam put-role-policy --role-name notes --policy-name api --policy-document '{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Action": "execute-api:Invoke",
    "Resource": ["arn:aws:execute-api:*:*:notes/$default/GET/notes", "arn:aws:execute-api:*:*:notes/$default/POST/notes"]
  }]
}'
cognate cognito-identity set-identity-pool-roles --identity-pool-id "$pool" --roles "unauthenticated=$role"

# Makes a guest, and sets key, secret and token.
guest() {
  local id
  id=$(cognate cognito-identity get-id --identity-pool-id "$pool" --query IdentityId)
  read -r key secret token < <(cognate cognito-identity get-credentials-for-identity --identity-id "$id" \
    --query '[Credentials.AccessKeyId,Credentials.SecretKey,Credentials.SessionToken]')
}
# Sends a signed request, and prints the answer.
call() {
  curl -sS --noproxy '*' --aws-sigv4 "aws:amz:$AWS_DEFAULT_REGION:execute-api" --user "$key:$secret" \
    -H "X-Amz-Security-Token: $token" -X "$1" "$gateway$2" "${@:3}"
  echo
}

guest
call POST /notes -d 'buy milk'
call GET /notes
call DELETE /notes # refused: the role does not allow it
guest
call GET /notes    # another guest has no notes
