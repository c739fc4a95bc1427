# Confirms people of one company at once, and refuses those of another.
def lambda_handler(event, context):
    email = event["request"]["userAttributes"].get("email", "")
    if email.endswith("@blocked.example"):
        raise Exception("This domain may not sign up")
    if email.endswith("@example.com"):
        event["response"]["autoConfirmUser"] = True
        event["response"]["autoVerifyEmail"] = True
    print("pre sign-up of", event["userName"])
    return event
