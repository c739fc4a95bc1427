#!/bin/bash
# Makes what the application needs on a development server: a user pool with ann and bob, an
# identity pool, and the role of its people. Writes settings.json for the application.
# Settings: COGNATE_ENDPOINT and COGNATE_GATEWAY are the addresses of server and gateway.
set -euo pipefail

export AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=
endpoint=${COGNATE_ENDPOINT:-http://localhost:9229}
gateway=${COGNATE_GATEWAY:-http://127.0.0.1:9232}
bucket=uploads
cognate() { aws --endpoint-url "$endpoint" --output text "$@"; }

pool=$(cognate cognito-idp create-user-pool --pool-name uploads --query UserPool.Id)
client=$(cognate cognito-idp create-user-pool-client --user-pool-id "$pool" --client-name web \
  --explicit-auth-flows ALLOW_USER_SRP_AUTH ALLOW_REFRESH_TOKEN_AUTH --query UserPoolClient.ClientId)
for name in ann bob; do
  cognate cognito-idp admin-create-user --user-pool-id "$pool" --username "$name" --message-action SUPPRESS >/dev/null
  cognate cognito-idp admin-set-user-password --user-pool-id "$pool" --username "$name" --password Correct-horse-1 --permanent
done

identities=$(cognate cognito-identity create-identity-pool --identity-pool-name uploads --no-allow-unauthenticated-identities \
  --cognito-identity-providers "ProviderName=cognito-idp.$AWS_DEFAULT_REGION.amazonaws.com/$pool,ClientId=$client" --query IdentityPoolId)

# Only people who have signed in at this identity pool get the role.
role=$(cognate iam create-role --role-name uploads --query Role.Arn --assume-role-policy-document '{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Principal": {"Federated": "cognito-identity.amazonaws.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {
      "StringEquals": {"cognito-identity.amazonaws.com:aud": "'"$identities"'"},
      "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}
    }
  }]
}')

# Each person has the folder with the person's identity as its name, and no other.
cognate iam put-role-policy --role-name uploads --policy-name folder --policy-document '{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::'"$bucket"'",
    "Condition": {"StringLike": {"s3:prefix": "${cognito-identity.amazonaws.com:sub}/*"}}
  }, {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    "Resource": "arn:aws:s3:::'"$bucket"'/${cognito-identity.amazonaws.com:sub}/*"
  }]
}'
cognate cognito-identity set-identity-pool-roles --identity-pool-id "$identities" --roles "authenticated=$role"

cat >settings.json <<END
{
  "region": "$AWS_DEFAULT_REGION",
  "endpoint": "$endpoint",
  "gateway": "$gateway",
  "bucket": "$bucket",
  "userPoolId": "$pool",
  "userPoolClientId": "$client",
  "identityPoolId": "$identities"
}
END
