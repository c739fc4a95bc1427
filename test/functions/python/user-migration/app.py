# Lets the people of an old directory in, with the passwords that they have there.
OLD = {"olivia": {"password": "Old-Passw0rd!", "email": "olivia@example.com"}}


def lambda_handler(event, context):
    person = OLD.get(event["userName"])
    if person is None:
        raise Exception("No such person")
    if event["triggerSource"] == "UserMigration_Authentication" and person["password"] != event["request"]["password"]:
        raise Exception("Bad password")
    event["response"]["userAttributes"] = {"email": person["email"], "email_verified": "true"}
    event["response"]["finalUserStatus"] = "CONFIRMED"
    event["response"]["messageAction"] = "SUPPRESS"
    return event
