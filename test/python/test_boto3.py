"""boto3, unmodified: the application's calls and an administrator's directory.

Run by test/clients, which starts the server and sets COGNATE_ENDPOINT.
"""

import base64
import datetime
import hashlib
import hmac
import json
import os
import unittest
import urllib.parse
import urllib.request
import uuid

import boto3
from botocore.config import Config

ENDPOINT = os.environ["COGNATE_ENDPOINT"]
INBOX = os.environ.get("COGNATE_INBOX", ENDPOINT + "/_cognate/inbox")
PASSWORD = "Correct-horse-1"
NEXT_PASSWORD = "Battery-staple-2"
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


def connect(access_key="AKIAIOSFODNN7EXAMPLE"):
    return boto3.client(
        "cognito-idp",
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key="any secret will do",
        config=Config(retries={"total_max_attempts": 1}),
    )


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def newest_message(pool, to):
    query = urllib.parse.urlencode({"pool": pool, "to": to, "wait": "5s"})
    with urllib.request.urlopen(f"{INBOX}?{query}", timeout=30) as response:
        messages = json.load(response)["messages"]
    if not messages:
        raise AssertionError(f"no message to {to}")
    return messages[0]


def wrong(code):
    return f"{(int(code) + 1) % 1000000:06d}"


def attributes(entries):
    return {entry["Name"]: entry["Value"] for entry in entries}


class Suite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.idp = connect()
        cls.pool = cls.idp.create_user_pool(
            PoolName=unique("pool"), AutoVerifiedAttributes=["email"]
        )["UserPool"]["Id"]
        cls.client = cls.idp.create_user_pool_client(
            UserPoolId=cls.pool,
            ClientName="web",
            ExplicitAuthFlows=FLOWS,
            PreventUserExistenceErrors="ENABLED",
        )["UserPoolClient"]["ClientId"]

    def sign_in(self, username, password=PASSWORD):
        return self.idp.initiate_auth(
            ClientId=self.client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )

    def add_user(self, **more):
        username = unique("bob")
        self.idp.admin_create_user(
            UserPoolId=self.pool, Username=username, MessageAction="SUPPRESS", **more
        )
        self.idp.admin_set_user_password(
            UserPoolId=self.pool, Username=username, Password=PASSWORD, Permanent=True
        )
        return username

    def assert_refused(self, exception, message=None):
        """Like assertRaises, and the error's message is the service's."""
        case = self

        class Refused:
            def __enter__(self):
                self.raises = case.assertRaises(exception)
                self.context = self.raises.__enter__()
                return self

            def __exit__(self, *details):
                handled = self.raises.__exit__(*details)
                error = self.context.exception
                case.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
                if message is not None:
                    case.assertEqual(error.response["Error"]["Message"], message)
                return handled

        return Refused()


class ApplicationTest(Suite):
    def test_sign_up_to_sign_in(self):
        username = unique("alice")
        email = f"{username}@example.com"
        signed_up = self.idp.sign_up(
            ClientId=self.client,
            Username=username,
            Password=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": email}],
        )
        self.assertFalse(signed_up["UserConfirmed"])
        with self.assert_refused(self.idp.exceptions.UserNotConfirmedException, "User is not confirmed."):
            self.sign_in(username)
        with self.assert_refused(self.idp.exceptions.UsernameExistsException, "User already exists"):
            self.idp.sign_up(ClientId=self.client, Username=username, Password=PASSWORD)

        message = newest_message(self.pool, email)
        self.assertEqual(message["username"], username)
        with self.assert_refused(self.idp.exceptions.CodeMismatchException):
            self.idp.confirm_sign_up(
                ClientId=self.client, Username=username, ConfirmationCode=wrong(message["code"])
            )
        self.idp.confirm_sign_up(
            ClientId=self.client, Username=username, ConfirmationCode=message["code"]
        )

        tokens = self.sign_in(username)["AuthenticationResult"]
        self.assertEqual(tokens["TokenType"], "Bearer")
        self.assertEqual(tokens["ExpiresIn"], 3600)
        user = self.idp.get_user(AccessToken=tokens["AccessToken"])
        self.assertEqual(user["Username"], username)
        self.assertEqual(
            attributes(user["UserAttributes"]),
            {"sub": signed_up["UserSub"], "email": email, "email_verified": "true"},
        )

    def test_wrong_password_and_unknown_user_look_the_same(self):
        username = self.add_user()
        for name, password in ((username, "Wrong-horse-1"), (unique("nobody"), PASSWORD)):
            with self.subTest(name), self.assert_refused(
                self.idp.exceptions.NotAuthorizedException, "Incorrect username or password."
            ):
                self.sign_in(name, password)

    def test_refresh(self):
        first = self.sign_in(self.add_user())["AuthenticationResult"]
        again = self.idp.initiate_auth(
            ClientId=self.client,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": first["RefreshToken"]},
        )["AuthenticationResult"]
        self.assertNotIn("RefreshToken", again)
        self.assertNotEqual(again["AccessToken"], first["AccessToken"])
        self.idp.get_user(AccessToken=again["AccessToken"])

        self.idp.revoke_token(ClientId=self.client, Token=first["RefreshToken"])
        with self.assert_refused(
            self.idp.exceptions.NotAuthorizedException, "Refresh Token has been revoked"
        ):
            self.idp.initiate_auth(
                ClientId=self.client,
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": first["RefreshToken"]},
            )

    def test_change_password(self):
        username = self.add_user()
        token = self.sign_in(username)["AuthenticationResult"]["AccessToken"]
        with self.assert_refused(self.idp.exceptions.NotAuthorizedException):
            self.idp.change_password(
                AccessToken=token, PreviousPassword="Wrong-horse-1", ProposedPassword=NEXT_PASSWORD
            )
        with self.assert_refused(self.idp.exceptions.InvalidPasswordException):
            self.idp.change_password(
                AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="weakling"
            )
        self.idp.change_password(
            AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword=NEXT_PASSWORD
        )
        self.sign_in(username, NEXT_PASSWORD)
        with self.assert_refused(self.idp.exceptions.NotAuthorizedException):
            self.sign_in(username)

    def test_secret_hash(self):
        client = self.idp.create_user_pool_client(
            UserPoolId=self.pool, ClientName="server", GenerateSecret=True, ExplicitAuthFlows=FLOWS
        )["UserPoolClient"]
        username = self.add_user()
        digest = hmac.digest(
            client["ClientSecret"].encode(), (username + client["ClientId"]).encode(), hashlib.sha256
        )
        parameters = {"USERNAME": username, "PASSWORD": PASSWORD}
        with self.assert_refused(self.idp.exceptions.NotAuthorizedException):
            self.idp.initiate_auth(
                ClientId=client["ClientId"], AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
            )
        self.idp.initiate_auth(
            ClientId=client["ClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={**parameters, "SECRET_HASH": base64.b64encode(digest).decode()},
        )


class AdministratorTest(Suite):
    def test_invited_user_chooses_a_password(self):
        username = unique("bob")
        created = self.idp.admin_create_user(
            UserPoolId=self.pool,
            Username=username,
            TemporaryPassword="Temporary-9",
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": f"{username}@example.com"}],
        )["User"]
        self.assertEqual(created["UserStatus"], "FORCE_CHANGE_PASSWORD")
        self.assertIsInstance(created["UserCreateDate"], datetime.datetime)
        challenge = self.idp.admin_initiate_auth(
            UserPoolId=self.pool,
            ClientId=self.client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": "Temporary-9"},
        )
        self.assertEqual(challenge["ChallengeName"], "NEW_PASSWORD_REQUIRED")
        answer = dict(
            UserPoolId=self.pool,
            ClientId=self.client,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=challenge["Session"],
            ChallengeResponses={"USERNAME": username, "NEW_PASSWORD": NEXT_PASSWORD},
        )
        tokens = self.idp.admin_respond_to_auth_challenge(**answer)["AuthenticationResult"]
        self.assertIn("RefreshToken", tokens)
        with self.assert_refused(self.idp.exceptions.NotAuthorizedException):
            self.idp.admin_respond_to_auth_challenge(**answer)
        user = self.idp.admin_get_user(UserPoolId=self.pool, Username=username)
        self.assertEqual(user["UserStatus"], "CONFIRMED")

    def test_admin_sign_in(self):
        username = self.add_user()
        request = dict(
            UserPoolId=self.pool, ClientId=self.client, AuthFlow="ADMIN_USER_PASSWORD_AUTH"
        )
        tokens = self.idp.admin_initiate_auth(
            **request, AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD}
        )["AuthenticationResult"]
        self.idp.get_user(AccessToken=tokens["AccessToken"])
        with self.assert_refused(self.idp.exceptions.NotAuthorizedException, "Incorrect username or password."):
            self.idp.admin_initiate_auth(
                **request, AuthParameters={"USERNAME": username, "PASSWORD": "Wrong-horse-1"}
            )

    def test_directory(self):
        email = f"{unique('carol')}@example.com"
        username = self.add_user(
            UserAttributes=[
                {"Name": "email", "Value": email},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "given_name", "Value": "Carol"},
            ]
        )
        self.idp.admin_update_user_attributes(
            UserPoolId=self.pool,
            Username=username,
            UserAttributes=[{"Name": "given_name", "Value": "Karol"}, {"Name": "locale", "Value": "pl"}],
        )
        self.idp.admin_delete_user_attributes(
            UserPoolId=self.pool, Username=username, UserAttributeNames=["locale"]
        )
        user = self.idp.admin_get_user(UserPoolId=self.pool, Username=username)
        values = attributes(user["UserAttributes"])
        self.assertEqual(values["given_name"], "Karol")
        self.assertNotIn("locale", values)
        self.assertTrue(user["Enabled"])

        found = self.idp.list_users(UserPoolId=self.pool, Filter=f'email = "{email}"')["Users"]
        self.assertEqual([entry["Username"] for entry in found], [username])

        self.idp.admin_disable_user(UserPoolId=self.pool, Username=username)
        with self.assert_refused(self.idp.exceptions.NotAuthorizedException):
            self.sign_in(username)
        self.idp.admin_enable_user(UserPoolId=self.pool, Username=username)
        token = self.sign_in(username)["AuthenticationResult"]["AccessToken"]

        self.idp.admin_user_global_sign_out(UserPoolId=self.pool, Username=username)
        with self.assert_refused(self.idp.exceptions.NotAuthorizedException, "Access Token has been revoked"):
            self.idp.get_user(AccessToken=token)

        self.idp.admin_reset_user_password(UserPoolId=self.pool, Username=username)
        with self.assert_refused(self.idp.exceptions.PasswordResetRequiredException):
            self.sign_in(username)
        self.idp.confirm_forgot_password(
            ClientId=self.client,
            Username=username,
            ConfirmationCode=newest_message(self.pool, email)["code"],
            Password=NEXT_PASSWORD,
        )
        self.sign_in(username, NEXT_PASSWORD)

        self.idp.admin_delete_user(UserPoolId=self.pool, Username=username)
        with self.assert_refused(self.idp.exceptions.UserNotFoundException, "User does not exist."):
            self.idp.admin_get_user(UserPoolId=self.pool, Username=username)

    def test_admin_confirms_a_sign_up(self):
        username = unique("alice")
        self.idp.sign_up(ClientId=self.client, Username=username, Password=PASSWORD)
        self.idp.admin_confirm_sign_up(UserPoolId=self.pool, Username=username)
        self.sign_in(username)

    def test_groups(self):
        group = unique("editors")
        self.idp.create_group(UserPoolId=self.pool, GroupName=group, Description="they edit", Precedence=3)
        with self.assert_refused(self.idp.exceptions.GroupExistsException):
            self.idp.create_group(UserPoolId=self.pool, GroupName=group)
        updated = self.idp.update_group(UserPoolId=self.pool, GroupName=group, Precedence=1)["Group"]
        self.assertEqual(updated["Precedence"], 1)
        username = self.add_user()
        self.idp.admin_add_user_to_group(UserPoolId=self.pool, GroupName=group, Username=username)
        listed = self.idp.admin_list_groups_for_user(UserPoolId=self.pool, Username=username)["Groups"]
        self.assertEqual([entry["GroupName"] for entry in listed], [group])

        access = self.sign_in(username)["AuthenticationResult"]["AccessToken"]
        payload = access.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        self.assertEqual(claims["cognito:groups"], [group])

        self.idp.admin_remove_user_from_group(UserPoolId=self.pool, GroupName=group, Username=username)
        members = self.idp.list_users_in_group(UserPoolId=self.pool, GroupName=group)["Users"]
        self.assertEqual(members, [])
        self.idp.delete_group(UserPoolId=self.pool, GroupName=group)
        with self.assert_refused(self.idp.exceptions.ResourceNotFoundException):
            self.idp.get_group(UserPoolId=self.pool, GroupName=group)

    def test_paginators(self):
        pool = self.idp.create_user_pool(PoolName=unique("pool"))["UserPool"]["Id"]
        names = sorted(unique("page") for _ in range(5))
        for name in names:
            self.idp.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
        pages = list(
            self.idp.get_paginator("list_users").paginate(
                UserPoolId=pool, PaginationConfig={"PageSize": 2}
            )
        )
        self.assertGreaterEqual(len(pages), 3)
        self.assertEqual(sorted(u["Username"] for page in pages for u in page["Users"]), names)

        pools = [
            entry["Id"]
            for page in self.idp.get_paginator("list_user_pools").paginate(
                PaginationConfig={"PageSize": 1}
            )
            for entry in page["UserPools"]
        ]
        self.assertIn(pool, pools)
        self.assertIn(self.pool, pools)
        self.assertEqual(len(pools), len(set(pools)))

    def test_pool_settings(self):
        pool = self.idp.create_user_pool(
            PoolName=unique("pool"),
            Policies={"PasswordPolicy": {"MinimumLength": 12, "RequireLowercase": True}},
            Schema=[{"Name": "tier", "AttributeDataType": "String", "Mutable": True}],
            UserPoolTags={"team": "shop"},
            DeletionProtection="ACTIVE",
        )["UserPool"]
        self.assertEqual(pool["Policies"]["PasswordPolicy"]["MinimumLength"], 12)
        self.assertIn("custom:tier", [a["Name"] for a in pool["SchemaAttributes"]])
        self.assertEqual(
            self.idp.list_tags_for_resource(ResourceArn=pool["Arn"])["Tags"], {"team": "shop"}
        )
        with self.assert_refused(self.idp.exceptions.InvalidParameterException):
            self.idp.delete_user_pool(UserPoolId=pool["Id"])
        self.idp.update_user_pool(UserPoolId=pool["Id"], DeletionProtection="INACTIVE")
        self.idp.delete_user_pool(UserPoolId=pool["Id"])
        with self.assert_refused(self.idp.exceptions.ResourceNotFoundException):
            self.idp.describe_user_pool(UserPoolId=pool["Id"])

    def test_resource_server(self):
        server = dict(
            UserPoolId=self.pool,
            Identifier="https://shop.example.com",
            Name="shop",
            Scopes=[{"ScopeName": "orders.read", "ScopeDescription": "read orders"}],
        )
        self.idp.create_resource_server(**server)
        described = self.idp.describe_resource_server(
            UserPoolId=self.pool, Identifier=server["Identifier"]
        )["ResourceServer"]
        self.assertEqual(described, server)
        self.idp.delete_resource_server(UserPoolId=self.pool, Identifier=server["Identifier"])
        with self.assert_refused(self.idp.exceptions.ResourceNotFoundException):
            self.idp.describe_resource_server(UserPoolId=self.pool, Identifier=server["Identifier"])


if __name__ == "__main__":
    unittest.main()
