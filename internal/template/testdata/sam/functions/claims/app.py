"""Adds the stage to ID tokens."""

import os


def handler(event, context):
    event["response"]["claimsOverrideDetails"] = {"claimsToAddOrOverride": {"stage": os.environ["STAGE"]}}
    return event
