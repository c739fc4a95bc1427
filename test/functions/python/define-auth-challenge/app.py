# Two riddles in a row, after the password where the client begins with it;
# three wrong answers in all end it.
def lambda_handler(event, context):
    session = event["request"]["session"]
    results = [s["challengeResult"] for s in session if s["challengeName"] == "CUSTOM_CHALLENGE"]
    response = event["response"]
    response["issueTokens"] = results.count(True) >= 2
    response["failAuthentication"] = results.count(False) >= 3 or event["request"].get("userNotFound", False)
    if not response["issueTokens"] and not response["failAuthentication"]:
        password = session and session[-1]["challengeName"] == "SRP_A"
        response["challengeName"] = "PASSWORD_VERIFIER" if password else "CUSTOM_CHALLENGE"
    return event
