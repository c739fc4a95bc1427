// amazon-cognito-identity-js, unmodified: second factors. What it has no calls
// for (codes by mail) is done with the AWS SDK.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { AuthenticationDetails, CognitoUser, CognitoUserPool } from 'amazon-cognito-identity-js';
import {
  AdminCreateUserCommand,
  AdminSetUserMFAPreferenceCommand,
  AdminSetUserPasswordCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  SetUserPoolMfaConfigCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { administrator, createClient, createPool, endpoint, Storage, totp, unique, wrongCode } from './cognate.mjs';

const password = 'Correct-horse-1';

/** Turns a call with callbacks into a promise of what was called back. */
function outcome(start) {
  return new Promise((resolve, reject) => {
    const asked = (name) => (challenge, params) => resolve({ outcome: name, challenge, params });
    start({
      onSuccess: (result) => resolve({ outcome: 'success', result }),
      onFailure: reject,
      mfaRequired: asked('mfaRequired'),
      totpRequired: asked('totpRequired'),
      selectMFAType: asked('selectMFAType'),
      mfaSetup: asked('mfaSetup'),
      associateSecretCode: (secret) => resolve({ outcome: 'secret', secret }),
      newPasswordRequired: () => reject(new Error('unexpected: newPasswordRequired')),
      customChallenge: () => reject(new Error('unexpected: customChallenge')),
    });
  });
}

function called(start) {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}

function fails(promise, code, message) {
  return assert.rejects(promise, (error) => {
    assert.equal(error.code ?? error.name, code, error.message);
    assert.equal(error.message, message);
    return true;
  });
}

describe('second factors', () => {
  let admin;
  before(() => { admin = administrator(); });

  async function pool(MfaConfiguration, ...factors) {
    const UserPoolId = await createPool(admin, {
      SmsConfiguration: { SnsCallerArn: 'arn:aws:iam::123456789012:role/sms' },
      EmailConfiguration: {
        EmailSendingAccount: 'DEVELOPER',
        SourceArn: 'arn:aws:ses:us-east-1:123456789012:identity/example.com',
      },
    });
    await admin.send(new SetUserPoolMfaConfigCommand({
      UserPoolId,
      MfaConfiguration,
      SmsMfaConfiguration: factors.includes('SMS_MFA') ? {} : undefined,
      SoftwareTokenMfaConfiguration: factors.includes('SOFTWARE_TOKEN_MFA') ? { Enabled: true } : undefined,
      EmailMfaConfiguration: factors.includes('EMAIL_OTP') ? {} : undefined,
    }));
    const ClientId = await createClient(admin, UserPoolId, ['ALLOW_USER_SRP_AUTH', 'ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']);
    return { UserPoolId, ClientId };
  }

  /** A person with a browser and these attributes. */
  async function person(p, attributes = {}) {
    const Username = unique('alice');
    await admin.send(new AdminCreateUserCommand({
      UserPoolId: p.UserPoolId, Username, MessageAction: 'SUPPRESS',
      UserAttributes: Object.entries(attributes).map(([Name, Value]) => ({ Name, Value })),
    }));
    await admin.send(new AdminSetUserPasswordCommand({ UserPoolId: p.UserPoolId, Username, Password: password, Permanent: true }));
    return { ...p, Username };
  }

  function browser(b) {
    const storage = new Storage();
    const userPool = new CognitoUserPool({ UserPoolId: b.UserPoolId, ClientId: b.ClientId, endpoint, Storage: storage });
    return new CognitoUser({ Username: b.Username, Pool: userPool, Storage: storage });
  }

  const signIn = (user) =>
    outcome((on) => user.authenticateUser(new AuthenticationDetails({ Username: user.getUsername(), Password: password }), on));

  async function code(b, medium) {
    const query = new URLSearchParams({ pool: b.UserPoolId, username: b.Username, medium, wait: '5s' });
    const { messages } = await (await fetch(`${endpoint}/_cognate/inbox?${query}`)).json();
    assert.ok(messages.length > 0, `no ${medium} to ${b.Username}`);
    return messages[0].code;
  }

  test('an authenticator app: associate, verify, prefer, sign in', async () => {
    const b = await person(await pool('OPTIONAL', 'SOFTWARE_TOKEN_MFA'));
    let user = browser(b);
    assert.equal((await signIn(user)).outcome, 'success');
    const { secret } = await outcome((on) => user.associateSoftwareToken(on));
    assert.match(secret, /^[A-Z2-7]{52}$/);
    await fails(outcome((on) => user.verifySoftwareToken(wrongCode(totp(secret)), 'phone', on)), 'EnableSoftwareTokenMFAException', 'Code mismatch');
    const first = totp(secret);
    const { result } = await outcome((on) => user.verifySoftwareToken(first, 'phone', on));
    assert.equal(result.Status, 'SUCCESS');
    assert.equal(await called((done) => user.setUserMfaPreference(null, { Enabled: true, PreferredMfa: true }, done)), 'SUCCESS');
    const data = await called((done) => user.getUserData(done, { bypassCache: true }));
    assert.deepEqual(data.UserMFASettingList, ['SOFTWARE_TOKEN_MFA']);
    assert.equal(data.PreferredMfaSetting, 'SOFTWARE_TOKEN_MFA');

    user = browser(b);
    const asked = await signIn(user);
    assert.equal(asked.outcome, 'totpRequired');
    assert.equal(asked.params.FRIENDLY_DEVICE_NAME, 'phone');
    await fails(outcome((on) => user.sendMFACode(first, on, 'SOFTWARE_TOKEN_MFA')), 'ExpiredCodeException', 'Your software token has already been used once.');
    await fails(outcome((on) => user.sendMFACode(totp(secret, 5), on, 'SOFTWARE_TOKEN_MFA')), 'CodeMismatchException', 'Invalid code received for user');
    const done = await outcome((on) => user.sendMFACode(totp(secret, 1), on, 'SOFTWARE_TOKEN_MFA'));
    assert.equal(done.outcome, 'success');
    assert.ok(user.getSignInUserSession().isValid());

    assert.equal(await called((done) => user.setUserMfaPreference(null, { Enabled: false, PreferredMfa: false }, done)), 'SUCCESS');
    assert.equal((await signIn(browser(b))).outcome, 'success');
  });

  test('codes by SMS', async () => {
    const b = await person(await pool('ON', 'SMS_MFA', 'SOFTWARE_TOKEN_MFA'), { phone_number: '+12065550100' });
    const user = browser(b);
    const asked = await signIn(user);
    assert.equal(asked.outcome, 'mfaRequired');
    assert.equal(asked.params.CODE_DELIVERY_DELIVERY_MEDIUM, 'SMS');
    assert.equal(asked.params.CODE_DELIVERY_DESTINATION, '+*******0100');
    const sent = await code(b, 'SMS');
    assert.match(sent, /^\d{6}$/);
    await fails(outcome((on) => user.sendMFACode(wrongCode(sent), on)), 'CodeMismatchException', 'Invalid code or auth state for the user.');
    assert.equal((await outcome((on) => user.sendMFACode(sent, on))).outcome, 'success');
    await fails(outcome((on) => user.sendMFACode(sent, on)), 'NotAuthorizedException', 'Invalid session for the user, session can only be used once.');
    const attributes = await called((done) => user.getUserAttributes(done));
    assert.equal(attributes.find((a) => a.getName() === 'phone_number_verified').getValue(), 'true');
  });

  test('codes by mail, and an address given during the sign-in', async () => {
    const b = await person(await pool('ON', 'EMAIL_OTP'));
    const { ClientId, Username: USERNAME } = b;
    const begin = () => admin.send(new InitiateAuthCommand({ ClientId, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME, PASSWORD: password } }));
    const answer = ({ ChallengeName, Session }, responses) =>
      admin.send(new RespondToAuthChallengeCommand({ ClientId, ChallengeName, Session, ChallengeResponses: { USERNAME, ...responses } }));
    let asked = await begin();
    assert.equal(asked.ChallengeName, 'MFA_SETUP');
    assert.equal(asked.ChallengeParameters.MFAS_CAN_SETUP, '["EMAIL_OTP"]');
    asked = await answer(asked, { EMAIL: `${USERNAME}@example.com` });
    for (const round of ['enrolment', 'the next sign-in']) {
      assert.equal(asked.ChallengeName, 'EMAIL_OTP', round);
      assert.equal(asked.ChallengeParameters.CODE_DELIVERY_DESTINATION, 'a***@e***');
      const sent = await code(b, 'EMAIL');
      await assert.rejects(answer(asked, { EMAIL_OTP_CODE: wrongCode(sent) }), { name: 'CodeMismatchException' });
      const done = await answer(asked, { EMAIL_OTP_CODE: sent });
      assert.ok(done.AuthenticationResult.AccessToken);
      asked = await begin();
    }
  });

  test('enrolment during the sign-in', async () => {
    const b = await person(await pool('ON', 'SOFTWARE_TOKEN_MFA'));
    let user = browser(b);
    const asked = await signIn(user);
    assert.equal(asked.outcome, 'mfaSetup');
    assert.equal(asked.params.MFAS_CAN_SETUP, '["SOFTWARE_TOKEN_MFA"]');
    const { secret } = await outcome((on) => user.associateSoftwareToken(on));
    const done = await outcome((on) => user.verifySoftwareToken(totp(secret), 'phone', on));
    assert.equal(done.outcome, 'success');
    assert.ok(user.getSignInUserSession().isValid());
    user = browser(b);
    assert.equal((await signIn(user)).outcome, 'totpRequired');
    assert.equal((await outcome((on) => user.sendMFACode(totp(secret, 1), on, 'SOFTWARE_TOKEN_MFA'))).outcome, 'success');
  });

  test('choosing a factor', async () => {
    const b = await person(await pool('OPTIONAL', 'SMS_MFA', 'SOFTWARE_TOKEN_MFA'), { phone_number: '+12065550100' });
    let user = browser(b);
    await signIn(user);
    const { secret } = await outcome((on) => user.associateSoftwareToken(on));
    await outcome((on) => user.verifySoftwareToken(totp(secret), 'phone', on));
    await admin.send(new AdminSetUserMFAPreferenceCommand({
      UserPoolId: b.UserPoolId, Username: b.Username, SMSMfaSettings: { Enabled: true }, SoftwareTokenMfaSettings: { Enabled: true },
    }));
    user = browser(b);
    const asked = await signIn(user);
    assert.equal(asked.outcome, 'selectMFAType');
    assert.deepEqual(JSON.parse(asked.params.MFAS_CAN_CHOOSE), ['SMS_MFA', 'SOFTWARE_TOKEN_MFA']);
    assert.equal((await outcome((on) => user.sendMFASelectionAnswer('SMS_MFA', on))).outcome, 'mfaRequired');
    const sent = await code(b, 'SMS');
    assert.equal((await outcome((on) => user.sendMFACode(sent, on))).outcome, 'success');
    user = browser(b);
    await signIn(user);
    assert.equal((await outcome((on) => user.sendMFASelectionAnswer('SOFTWARE_TOKEN_MFA', on))).outcome, 'totpRequired');
    assert.equal((await outcome((on) => user.sendMFACode(totp(secret, 1), on, 'SOFTWARE_TOKEN_MFA'))).outcome, 'success');
  });
});
