"""An API that takes access tokens of one app client of a user pool.

Everybody reads the own orders, and the group "staff" reads the report.
"""

import flask
import jwt


def create_api(issuer, client_id):
    """Returns the API as a WSGI application."""
    api = flask.Flask(__name__)
    keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")

    @api.before_request
    def authorize():
        token = flask.request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                token,
                keys.get_signing_key_from_jwt(token).key,
                algorithms=["RS256"],
                issuer=issuer,
                options={"require": ["exp", "iss", "token_use", "client_id"]},
            )
        except jwt.PyJWTError:
            return {"message": "sign in first"}, 401
        # Cognito's access tokens name the app client in client_id. They have no audience.
        if claims["token_use"] != "access" or claims["client_id"] != client_id:
            return {"message": "sign in first"}, 401
        flask.g.claims = claims
        return None

    @api.get("/orders")
    def orders():
        return {"user": flask.g.claims["username"], "orders": []}

    @api.get("/report")
    def report():
        if "staff" not in flask.g.claims.get("cognito:groups", []):
            return {"message": "only staff reads the report"}, 403
        return {"orders": 0}

    return api
