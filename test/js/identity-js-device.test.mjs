// amazon-cognito-identity-js, unmodified: it registers the device that it runs
// on, and signs in from it without a second factor.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { AuthenticationDetails, CognitoUser, CognitoUserPool } from 'amazon-cognito-identity-js';
import {
  AdminCreateUserCommand,
  AdminForgetDeviceCommand,
  AdminSetUserMFAPreferenceCommand,
  AdminSetUserPasswordCommand,
  SetUserPoolMfaConfigCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { administrator, createClient, createPool, endpoint, Storage, totp, unique } from './cognate.mjs';

const password = 'Correct-horse-1';

/** Turns a call with callbacks into a promise of what was called back. */
function outcome(start) {
  return new Promise((resolve, reject) => {
    const other = (name) => () => reject(new Error(`unexpected: ${name}`));
    start({
      onSuccess: (result, userConfirmationNecessary) => resolve({ outcome: 'success', result, userConfirmationNecessary }),
      onFailure: reject,
      mfaRequired: () => resolve({ outcome: 'mfaRequired' }),
      totpRequired: other('totpRequired'),
      selectMFAType: other('selectMFAType'),
      mfaSetup: other('mfaSetup'),
      newPasswordRequired: other('newPasswordRequired'),
      customChallenge: other('customChallenge'),
    });
  });
}

function called(start) {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}

describe('devices', () => {
  let admin;
  before(() => { admin = administrator(); });

  /** A person with a second factor, and the storage of one browser. */
  async function person(DeviceConfiguration) {
    const UserPoolId = await createPool(admin, {
      SmsConfiguration: { SnsCallerArn: 'arn:aws:iam::123456789012:role/sms' }, DeviceConfiguration,
    });
    await admin.send(new SetUserPoolMfaConfigCommand({ UserPoolId, MfaConfiguration: 'OPTIONAL', SmsMfaConfiguration: {}, SoftwareTokenMfaConfiguration: { Enabled: true } }));
    const ClientId = await createClient(admin, UserPoolId, ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']);
    const Username = unique('alice');
    await admin.send(new AdminCreateUserCommand({
      UserPoolId, Username, MessageAction: 'SUPPRESS', UserAttributes: [{ Name: 'phone_number', Value: '+12065550100' }],
    }));
    await admin.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password, Permanent: true }));
    await admin.send(new AdminSetUserMFAPreferenceCommand({ UserPoolId, Username, SMSMfaSettings: { Enabled: true, PreferredMfa: true } }));
    return { UserPoolId, ClientId, Username, storage: new Storage() };
  }

  /** What a page finds after it was loaded anew. */
  function page(b) {
    const Pool = new CognitoUserPool({ UserPoolId: b.UserPoolId, ClientId: b.ClientId, endpoint, Storage: b.storage });
    return new CognitoUser({ Username: b.Username, Pool, Storage: b.storage });
  }

  const signIn = (user) =>
    outcome((on) => user.authenticateUser(new AuthenticationDetails({ Username: user.getUsername(), Password: password }), on));

  async function code(b) {
    const query = new URLSearchParams({ pool: b.UserPoolId, username: b.Username, medium: 'SMS', wait: '5s' });
    const { messages } = await (await fetch(`${endpoint}/_cognate/inbox?${query}`)).json();
    assert.ok(messages.length > 0);
    return messages[0].code;
  }

  /** Signs in with the code of the second factor. */
  async function withCode(b) {
    const user = page(b);
    assert.equal((await signIn(user)).outcome, 'mfaRequired');
    const sent = await code(b);
    const done = await outcome((on) => user.sendMFACode(sent, on));
    assert.equal(done.outcome, 'success');
    return { user, done };
  }

  const deviceKey = (user) => user.getSignInUserSession().getAccessToken().payload.device_key;

  test('remember, sign in without a code, list, forget', async () => {
    const b = await person({ ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true });
    let { user, done } = await withCode(b);
    assert.equal(done.userConfirmationNecessary, true);
    const key = deviceKey(user);
    assert.match(key, /^us-east-1_[0-9a-f-]{36}$/);
    assert.equal(await called((cb) => user.getUserAttributes(cb)).then((list) => list.length > 0), true);

    // Not remembered yet: the code again, and the same device.
    ({ user } = await withCode(b));
    assert.equal(deviceKey(user), key);
    assert.equal((await outcome((on) => user.setDeviceStatusRemembered(on))).result, 'SUCCESS');

    user = page(b);
    assert.equal((await signIn(user)).outcome, 'success');
    assert.equal(deviceKey(user), key);
    assert.ok(user.getSignInUserSession().isValid());

    const { Devices } = (await outcome((on) => user.listDevices(10, null, on))).result;
    assert.deepEqual(Devices.map((d) => d.DeviceKey), [key]);
    const { Device } = (await outcome((on) => user.getDevice(on))).result;
    const attributes = Object.fromEntries(Device.DeviceAttributes.map((a) => [a.Name, a.Value]));
    assert.equal(attributes['dev:device_remembered_status'], 'remembered');

    const refreshed = await called((cb) => user.refreshSession(user.getSignInUserSession().getRefreshToken(), cb));
    assert.equal(refreshed.getAccessToken().payload.device_key, key);

    assert.equal((await outcome((on) => user.setDeviceStatusNotRemembered(on))).result, 'SUCCESS');
    ({ user } = await withCode(b));
    assert.equal((await outcome((on) => user.setDeviceStatusRemembered(on))).result, 'SUCCESS');
    user = page(b);
    assert.equal((await signIn(user)).outcome, 'success');

    assert.equal((await outcome((on) => user.forgetDevice(on))).result, 'SUCCESS');
    ({ user } = await withCode(b));
    assert.notEqual(deviceKey(user), key);
  });

  // The library answers DEVICE_SRP_AUTH with the Session of the code.
  test('a code each time, and the device after it', async () => {
    const b = await person({ ChallengeRequiredOnNewDevice: false, DeviceOnlyRememberedOnUserPrompt: false });
    let { user } = await withCode(b);
    const key = deviceKey(user);
    for (let i = 0; i < 2; i++) {
      ({ user } = await withCode(b));
      assert.equal(deviceKey(user), key);
    }
    assert.ok(user.getSignInUserSession().isValid());

    // The same by an authenticator app.
    const secret = await new Promise((resolve, reject) => {
      user.associateSoftwareToken({ associateSecretCode: resolve, onFailure: reject });
    });
    const on = { onSuccess() {}, onFailure() {} };
    await new Promise((resolve, reject) => {
      user.verifySoftwareToken(totp(secret), 'phone', { ...on, onSuccess: resolve, onFailure: reject });
    });
    await admin.send(new AdminSetUserMFAPreferenceCommand({
      UserPoolId: b.UserPoolId, Username: b.Username,
      SMSMfaSettings: { Enabled: false }, SoftwareTokenMfaSettings: { Enabled: true, PreferredMfa: true },
    }));
    user = page(b);
    const asked = await new Promise((resolve, reject) => {
      user.authenticateUser(new AuthenticationDetails({ Username: b.Username, Password: password }), {
        ...on, totpRequired: resolve, onFailure: reject,
      });
    });
    assert.equal(asked, 'SOFTWARE_TOKEN_MFA');
    assert.equal((await outcome((done) => user.sendMFACode(totp(secret, 1), done, 'SOFTWARE_TOKEN_MFA'))).outcome, 'success');
    assert.equal(deviceKey(user), key);
  });

  test('a device that an administrator forgot: the library signs in without it', async () => {
    const b = await person({ ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: false });
    let { user, done } = await withCode(b);
    assert.ok(!done.userConfirmationNecessary);
    const key = deviceKey(user);
    assert.equal((await signIn(page(b))).outcome, 'success');
    await admin.send(new AdminForgetDeviceCommand({ UserPoolId: b.UserPoolId, Username: b.Username, DeviceKey: key }));
    ({ user } = await withCode(b));
    assert.notEqual(deviceKey(user), key);
  });
});
