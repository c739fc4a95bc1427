#!/bin/bash
# Makes what the application expects, as a container of LocalStack does when it is ready.
set -euo pipefail

POOL=us-east-1_shoplocal
CLIENT=shop-web-local
SERVICE=shop-batch-local

if awslocal cognito-idp describe-user-pool --user-pool-id "$POOL" >/dev/null 2>&1; then
    echo "the user pool exists"
    exit 0
fi

awslocal cognito-idp create-user-pool --pool-name shop \
    --user-pool-tags "_custom_id_=$POOL" \
    --auto-verified-attributes email --username-attributes email \
    --policies '{"PasswordPolicy":{"MinimumLength":8,"RequireUppercase":true,"RequireLowercase":true,"RequireNumbers":true,"RequireSymbols":false}}' \
    --schema Name=email,AttributeDataType=String,Required=true,Mutable=true Name=tenant,AttributeDataType=String,Mutable=true

awslocal cognito-idp create-resource-server --user-pool-id "$POOL" --identifier shop-api --name "Shop API" \
    --scopes '[{"ScopeName":"order:read","ScopeDescription":"Read orders"},{"ScopeName":"order:write","ScopeDescription":"Write orders"}]'

awslocal cognito-idp create-user-pool-client --user-pool-id "$POOL" --client-name "_custom_id_:$CLIENT" \
    --explicit-auth-flows ALLOW_USER_PASSWORD_AUTH ALLOW_REFRESH_TOKEN_AUTH \
    --allowed-o-auth-flows-user-pool-client --allowed-o-auth-flows code --allowed-o-auth-scopes openid email \
    --callback-urls http://localhost:3000/callback --supported-identity-providers COGNITO

awslocal cognito-idp create-user-pool-client --user-pool-id "$POOL" --client-name "_custom_id_:$SERVICE" --generate-secret \
    --allowed-o-auth-flows-user-pool-client --allowed-o-auth-flows client_credentials --allowed-o-auth-scopes shop-api/order:read

awslocal cognito-idp create-user-pool-domain --user-pool-id "$POOL" --domain shop

for group in admins customers; do
    awslocal cognito-idp create-group --user-pool-id "$POOL" --group-name "$group"
done

awslocal cognito-idp admin-create-user --user-pool-id "$POOL" --username admin@example.com --message-action SUPPRESS \
    --temporary-password Temporary1 --user-attributes Name=email,Value=admin@example.com Name=email_verified,Value=true Name=custom:tenant,Value=one
awslocal cognito-idp admin-set-user-password --user-pool-id "$POOL" --username admin@example.com --password Developer1 --permanent
awslocal cognito-idp admin-add-user-to-group --user-pool-id "$POOL" --username admin@example.com --group-name admins

echo "the user pool is made"
