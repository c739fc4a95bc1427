"""Authlib, unmodified: a person signs in on the pool's domain, and a machine by its secret.

Run by test/clients, which starts the server and sets COGNATE_ENDPOINT.
"""

import os
import re
import unittest
import urllib.parse

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # Development has no TLS.

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken
from test_boto3 import ENDPOINT, PASSWORD, connect, unique

CALLBACK = "https://app.example.com/callback"


class RelyingParty(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        idp = connect()
        pool = idp.create_user_pool(PoolName=unique("pool"))["UserPool"]["Id"]
        idp.create_user_pool_domain(UserPoolId=pool, Domain=unique("shop"))
        idp.create_resource_server(
            UserPoolId=pool,
            Identifier="orders",
            Name="orders",
            Scopes=[{"ScopeName": "read", "ScopeDescription": "read"}],
        )

        def client(**settings):
            made = idp.create_user_pool_client(
                UserPoolId=pool,
                ClientName="web",
                GenerateSecret=True,
                AllowedOAuthFlowsUserPoolClient=True,
                **settings,
            )["UserPoolClient"]
            return made["ClientId"], made["ClientSecret"]

        cls.web = client(
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid", "email"],
            SupportedIdentityProviders=["COGNITO"],
            CallbackURLs=[CALLBACK],
        )
        cls.machine = client(AllowedOAuthFlows=["client_credentials"], AllowedOAuthScopes=["orders/read"])
        cls.username = unique("alice")
        cls.email = cls.username + "@example.com"
        idp.admin_create_user(
            UserPoolId=pool,
            Username=cls.username,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": cls.email}, {"Name": "email_verified", "Value": "true"}],
        )
        idp.admin_set_user_password(UserPoolId=pool, Username=cls.username, Password=PASSWORD, Permanent=True)
        cls.server = requests.get(f"{ENDPOINT}/{pool}/.well-known/openid-configuration").json()

    def party(self, **settings):
        party = OAuth2Session(
            *self.web, scope="openid email", redirect_uri=CALLBACK, code_challenge_method="S256", **settings
        )
        self.addCleanup(party.close)
        return party

    def authorize(self, party, verifier, nonce):
        """Signs the user in on the page of the domain and returns where the browser goes then."""
        url, state = party.create_authorization_url(
            self.server["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        with requests.Session() as browser:
            page = browser.get(url)
            csrf = re.search(r'name="_csrf" value="([^"]+)"', page.text).group(1)
            form = {"_csrf": csrf, "username": self.username, "password": PASSWORD}
            answer = browser.post(page.url, data=form, allow_redirects=False)
        location = answer.headers["Location"]
        self.assertEqual(urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["state"], [state])
        return location

    def redeem(self, party, location, verifier):
        return party.fetch_token(self.server["token_endpoint"], authorization_response=location, code_verifier=verifier)

    def assert_refused(self, code, call, *args, **more):
        with self.assertRaises(OAuthError) as caught:
            call(*args, **more)
        self.assertEqual(caught.exception.error, code)

    def test_sign_in(self):
        for method in ("client_secret_basic", "client_secret_post"):
            with self.subTest(method):
                party = self.party(token_endpoint_auth_method=method)
                verifier, nonce = generate_token(48), generate_token()
                tokens = self.redeem(party, self.authorize(party, verifier, nonce), verifier)

                keys = JsonWebKey.import_key_set(requests.get(self.server["jwks_uri"]).json())
                claims = jwt.decode(
                    tokens["id_token"],
                    keys,
                    claims_cls=CodeIDToken,
                    claims_options={"iss": {"value": self.server["issuer"]}, "aud": {"value": self.web[0]}},
                    claims_params={"nonce": nonce, "client_id": self.web[0], "access_token": tokens["access_token"]},
                )
                claims.validate()
                self.assertEqual(claims["email"], self.email)

                info = party.get(self.server["userinfo_endpoint"]).json()
                self.assertEqual((info["sub"], info["email"]), (claims["sub"], self.email))

                refreshed = party.refresh_token(self.server["token_endpoint"])
                self.assertNotEqual(refreshed["access_token"], tokens["access_token"])
                self.assertEqual(party.get(self.server["userinfo_endpoint"]).status_code, 200)

                revoked = party.revoke_token(self.server["revocation_endpoint"], tokens["refresh_token"])
                self.assertEqual(revoked.status_code, 200)
                self.assertEqual(party.get(self.server["userinfo_endpoint"]).status_code, 401)

    def test_refused(self):
        party, verifier = self.party(), generate_token(48)
        location = self.authorize(party, verifier, generate_token())
        self.redeem(party, location, verifier)
        self.assert_refused("invalid_grant", self.redeem, party, location, verifier)

        location = self.authorize(party, verifier, generate_token())
        self.assert_refused("invalid_grant", self.redeem, party, location, generate_token(48))

    def test_machine(self):
        client, secret = self.machine
        endpoint = self.server["token_endpoint"]
        with OAuth2Session(client, secret, scope="orders/read") as party:
            token = party.fetch_token(endpoint, grant_type="client_credentials")
        self.assertEqual(token["token_type"], "Bearer")
        with OAuth2Session(client, secret + "x", scope="orders/read") as stranger:
            self.assert_refused("invalid_client", stranger.fetch_token, endpoint, grant_type="client_credentials")


if __name__ == "__main__":
    unittest.main()
