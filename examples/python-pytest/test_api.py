"""The API as its users meet it. Sign-ups, mail and tokens are those of a real server."""

import json
import urllib.request
import uuid

import pytest

POOL = "us-east-1_shop1"
CLIENT = "shopweb"
PASSWORD = "Correct-horse-1"


def sign_in(users, username):
    answer = users.initiate_auth(
        ClientId=CLIENT,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
    )
    return answer["AuthenticationResult"]


def call(api, path, token):
    return api.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})


def newest_code(endpoint, username):
    """The code in the newest mail to a user. `cognate dev` shows the mail that it would have sent."""
    url = f"{endpoint}/_cognate/inbox?pool={POOL}&username={username}&wait=10s"
    with urllib.request.urlopen(url, timeout=60) as inbox:
        return json.load(inbox)["messages"][0]["code"]


def test_new_user(endpoint, users, api):
    username = f"carol-{uuid.uuid4()}"
    email = {"Name": "email", "Value": f"{username}@example.com"}
    users.sign_up(ClientId=CLIENT, Username=username, Password=PASSWORD, UserAttributes=[email])
    with pytest.raises(users.exceptions.UserNotConfirmedException):
        sign_in(users, username)
    users.confirm_sign_up(ClientId=CLIENT, Username=username, ConfirmationCode=newest_code(endpoint, username))
    answer = call(api, "/orders", sign_in(users, username)["AccessToken"])
    assert (answer.status_code, answer.json) == (200, {"user": username, "orders": []})


def test_without_access_token(users, api):
    tokens = sign_in(users, "ann")
    altered = tokens["AccessToken"][:-12] + "A" * 12
    for token in [None, "x", tokens["IdToken"], altered]:
        assert call(api, "/orders", token).status_code == 401


def test_only_staff_reads_the_report(users, api):
    assert call(api, "/report", sign_in(users, "ann")["AccessToken"]).status_code == 200
    assert call(api, "/report", sign_in(users, "bob")["AccessToken"]).status_code == 403
