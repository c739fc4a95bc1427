// amazon-cognito-identity-js, unmodified, with nothing but its `endpoint`
// option: what a browser application does with it.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  AuthenticationDetails,
  CognitoRefreshToken,
  CognitoUser,
  CognitoUserAttribute,
  CognitoUserPool,
} from 'amazon-cognito-identity-js';
import { AdminCreateUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { administrator, claims, createClient, createPool, endpoint, newestCode, newestMessage, Storage, unique, wrongCode } from './cognate.mjs';

const password = 'Correct-horse-1';
const nextPassword = 'Battery-staple-2';

/** Turns a call that ends in a (error, result) callback into a promise. */
function called(start) {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** Turns a call with onSuccess and onFailure into a promise of the outcome. */
function answered(start) {
  return new Promise((resolve, reject) => {
    start({
      onSuccess: (result) => resolve({ outcome: 'success', result }),
      onFailure: reject,
      newPasswordRequired: (userAttributes, requiredAttributes) =>
        resolve({ outcome: 'newPasswordRequired', userAttributes, requiredAttributes }),
      inputVerificationCode: (data) => resolve({ outcome: 'codeSent', data }),
      mfaRequired: () => reject(new Error('unexpected: mfaRequired')),
      totpRequired: () => reject(new Error('unexpected: totpRequired')),
      customChallenge: () => reject(new Error('unexpected: customChallenge')),
    });
  });
}

/** Checks that a promise fails as the service says it should. */
function fails(promise, code, message) {
  return assert.rejects(promise, (error) => {
    assert.equal(error.code ?? error.name, code, error.message);
    if (message instanceof RegExp) assert.match(error.message, message);
    else if (message) assert.equal(error.message, message);
    return true;
  });
}

describe('amazon-cognito-identity-js', () => {
  let poolId;
  let clientId;
  let admin;

  before(async () => {
    admin = administrator();
    poolId = await createPool(admin);
    clientId = await createClient(admin, poolId, [
      'ALLOW_USER_SRP_AUTH',
      'ALLOW_USER_PASSWORD_AUTH',
      'ALLOW_REFRESH_TOKEN_AUTH',
    ]);
  });

  function browser(username) {
    const storage = new Storage();
    const pool = new CognitoUserPool({ UserPoolId: poolId, ClientId: clientId, endpoint, Storage: storage });
    const user = new CognitoUser({ Username: username, Pool: pool, Storage: storage });
    return { pool, user, username };
  }

  const signIn = (b, secret = password) =>
    answered((on) => b.user.authenticateUser(new AuthenticationDetails({ Username: b.username, Password: secret }), on));

  const signUp = (b, email) =>
    called((done) =>
      b.pool.signUp(b.username, password, [new CognitoUserAttribute({ Name: 'email', Value: email })], null, done));

  async function confirmed() {
    const b = browser(unique('alice'));
    b.email = `${b.username}@example.com`;
    await signUp(b, b.email);
    const code = await newestCode(poolId, b.email);
    assert.equal(await called((done) => b.user.confirmRegistration(code, false, done)), 'SUCCESS');
    return b;
  }

  async function signedIn() {
    const b = await confirmed();
    const { outcome, result } = await signIn(b);
    assert.equal(outcome, 'success');
    b.session = result;
    return b;
  }

  test('sign-up sends a code, and the code confirms', async () => {
    const b = browser(unique('alice'));
    const email = `${b.username}@example.com`;
    const result = await signUp(b, email);
    assert.equal(result.userConfirmed, false);
    assert.match(result.userSub, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(result.codeDeliveryDetails.AttributeName, 'email');
    assert.equal(result.codeDeliveryDetails.DeliveryMedium, 'EMAIL');
    assert.notEqual(result.codeDeliveryDetails.Destination, email, 'the address is not masked');

    const message = await newestMessage(poolId, email);
    assert.equal(message.poolId, poolId);
    assert.equal(message.username, b.username);
    assert.equal(message.medium, 'EMAIL');
    assert.equal(message.to, email);

    await fails(signIn(b), 'UserNotConfirmedException', 'User is not confirmed.');
    await fails(
      called((done) => b.user.confirmRegistration(wrongCode(message.code), false, done)),
      'CodeMismatchException',
      'Invalid verification code provided, please try again.',
    );
    assert.equal(await called((done) => b.user.confirmRegistration(message.code, false, done)), 'SUCCESS');
    assert.equal((await signIn(b)).outcome, 'success');
  });

  test('a code that was sent again replaces the first', async () => {
    const b = browser(unique('alice'));
    const email = `${b.username}@example.com`;
    await signUp(b, email);
    const first = await newestMessage(poolId, email);
    await called((done) => b.user.resendConfirmationCode(done));
    const second = await newestMessage(poolId, email);
    assert.notEqual(second.id, first.id);
    assert.equal(await called((done) => b.user.confirmRegistration(second.code, false, done)), 'SUCCESS');
  });

  test('sign-up refuses a name that is taken and a weak password', async () => {
    const b = await confirmed();
    await fails(signUp(browser(b.username), b.email), 'UsernameExistsException', 'User already exists');
    const weak = browser(unique('alice'));
    await fails(
      called((done) =>
        weak.pool.signUp(weak.username, 'weakling', [new CognitoUserAttribute({ Name: 'email', Value: 'weak@example.com' })], null, done)),
      'InvalidPasswordException',
      /^Password did not conform with policy: /,
    );
  });

  test('SRP sign-in gives the three tokens', async () => {
    const b = await signedIn();
    assert.equal(b.user.getAuthenticationFlowType(), 'USER_SRP_AUTH');
    assert.ok(b.session.isValid());
    const id = claims(b.session.getIdToken().getJwtToken());
    const access = claims(b.session.getAccessToken().getJwtToken());
    assert.equal(id.token_use, 'id');
    assert.equal(id.aud, clientId);
    assert.equal(id['cognito:username'], b.username);
    assert.equal(id.email, b.email);
    assert.equal(id.email_verified, true);
    assert.equal(access.token_use, 'access');
    assert.equal(access.client_id, clientId);
    assert.equal(access.username, b.username);
    assert.equal(access.scope, 'aws.cognito.signin.user.admin');
    assert.equal(access.sub, id.sub);
    assert.equal(access.origin_jti, id.origin_jti);
    assert.ok(b.session.getRefreshToken().getToken());

    const data = await called((done) => b.user.getUserData(done));
    assert.equal(data.Username, b.username);
    assert.deepEqual(data.UserAttributes.find((a) => a.Name === 'email'), { Name: 'email', Value: b.email });
  });

  test('USER_PASSWORD_AUTH sign-in', async () => {
    const b = await confirmed();
    b.user.setAuthenticationFlowType('USER_PASSWORD_AUTH');
    assert.equal((await signIn(b)).outcome, 'success');
  });

  for (const flow of ['USER_SRP_AUTH', 'USER_PASSWORD_AUTH']) {
    test(`${flow}: a wrong password and an unknown user look the same`, async () => {
      const b = await confirmed();
      b.user.setAuthenticationFlowType(flow);
      await fails(signIn(b, 'Wrong-horse-1'), 'NotAuthorizedException', 'Incorrect username or password.');
      const nobody = browser(unique('nobody'));
      nobody.user.setAuthenticationFlowType(flow);
      await fails(signIn(nobody), 'NotAuthorizedException', 'Incorrect username or password.');
      assert.equal((await signIn(b)).outcome, 'success');
    });
  }

  test('an administrator\'s user must choose a new password', async () => {
    const b = browser(unique('bob'));
    const email = `${b.username}@example.com`;
    await admin.send(new AdminCreateUserCommand({
      UserPoolId: poolId,
      Username: b.username,
      TemporaryPassword: 'Temporary-9',
      MessageAction: 'SUPPRESS',
      UserAttributes: [
        { Name: 'email', Value: email },
        { Name: 'email_verified', Value: 'true' },
      ],
    }));
    await fails(signIn(b, 'Wrong-horse-1'), 'NotAuthorizedException', 'Incorrect username or password.');

    const challenge = await signIn(b, 'Temporary-9');
    assert.equal(challenge.outcome, 'newPasswordRequired');
    assert.equal(challenge.userAttributes.email, email);
    assert.deepEqual(challenge.requiredAttributes, []);
    await fails(
      answered((on) => b.user.completeNewPasswordChallenge('weakling', {}, on)),
      'InvalidPasswordException',
    );
    // The refusal left the challenge open, as clients let people try again.
    const { outcome, result } = await answered((on) => b.user.completeNewPasswordChallenge(nextPassword, {}, on));
    assert.equal(outcome, 'success');
    assert.ok(result.isValid());
    assert.equal((await signIn(b, nextPassword)).outcome, 'success');
    await fails(signIn(b, 'Temporary-9'), 'NotAuthorizedException', 'Incorrect username or password.');
  });

  test('a refresh gives new tokens of the same session', async () => {
    const b = await signedIn();
    const refresh = b.session.getRefreshToken();
    const before = claims(b.session.getAccessToken().getJwtToken());
    const session = await called((done) => b.user.refreshSession(refresh, done));
    const after = claims(session.getAccessToken().getJwtToken());
    assert.notEqual(after.jti, before.jti);
    assert.equal(after.origin_jti, before.origin_jti);
    assert.equal(after.auth_time, before.auth_time);
    assert.equal(after.sub, before.sub);
    assert.equal(session.getRefreshToken().getToken(), refresh.getToken());

    const raw = refresh.getToken();
    const middle = Math.floor(raw.length / 2);
    const altered = raw.slice(0, middle) + (raw[middle] === 'A' ? 'B' : 'A') + raw.slice(middle + 1);
    await fails(
      called((done) => b.user.refreshSession(new CognitoRefreshToken({ RefreshToken: altered }), done)),
      'NotAuthorizedException',
      'Invalid Refresh Token.',
    );
  });

  test('a changed password replaces the old one', async () => {
    const b = await signedIn();
    await fails(
      called((done) => b.user.changePassword('Wrong-horse-1', nextPassword, done)),
      'NotAuthorizedException',
      'Incorrect username or password.',
    );
    await fails(called((done) => b.user.changePassword(password, 'weakling', done)), 'InvalidPasswordException');
    assert.equal(await called((done) => b.user.changePassword(password, nextPassword, done)), 'SUCCESS');
    const again = browser(b.username);
    await fails(signIn(again), 'NotAuthorizedException', 'Incorrect username or password.');
    assert.equal((await signIn(again, nextPassword)).outcome, 'success');
  });

  test('a forgotten password is replaced by code', async () => {
    const b = await confirmed();
    const sent = await answered((on) => b.user.forgotPassword(on));
    assert.equal(sent.outcome, 'codeSent');
    assert.equal(sent.data.CodeDeliveryDetails.DeliveryMedium, 'EMAIL');
    const code = await newestCode(poolId, b.email);
    await fails(
      answered((on) => b.user.confirmPassword(wrongCode(code), nextPassword, on)),
      'CodeMismatchException',
      'Invalid verification code provided, please try again.',
    );
    assert.equal((await answered((on) => b.user.confirmPassword(code, nextPassword, on))).outcome, 'success');
    await fails(
      answered((on) => b.user.confirmPassword(code, 'Third-password-3', on)),
      'ExpiredCodeException',
    );
    await fails(signIn(b), 'NotAuthorizedException', 'Incorrect username or password.');
    assert.equal((await signIn(b, nextPassword)).outcome, 'success');
  });

  test('a global sign-out ends every session of the user, and of nobody else', async () => {
    const here = await signedIn();
    const there = browser(here.username);
    const { result: otherSession } = await signIn(there);
    const bystander = await signedIn();

    assert.equal((await answered((on) => here.user.globalSignOut(on))).outcome, 'success');
    await fails(
      called((done) => there.user.refreshSession(otherSession.getRefreshToken(), done)),
      'NotAuthorizedException',
      'Refresh Token has been revoked',
    );
    // The library forgets a session whose refresh was refused: set it again.
    there.user.setSignInUserSession(otherSession);
    await fails(
      called((done) => there.user.getUserAttributes(done)),
      'NotAuthorizedException',
      'Access Token has been revoked',
    );
    await called((done) => bystander.user.refreshSession(bystander.session.getRefreshToken(), done));
    assert.equal((await signIn(here)).outcome, 'success');
  });

  test('attributes are read, changed and verified', async () => {
    const b = await signedIn();
    const email = `${unique('new')}@example.com`;
    await called((done) =>
      b.user.updateAttributes([{ Name: 'email', Value: email }, { Name: 'given_name', Value: 'Älice' }], done));
    const code = await newestCode(poolId, email);
    await fails(answered((on) => b.user.verifyAttribute('email', wrongCode(code), on)), 'CodeMismatchException');
    assert.equal((await answered((on) => b.user.verifyAttribute('email', code, on))).outcome, 'success');
    const attributes = new Map((await called((done) => b.user.getUserAttributes(done))).map((a) => [a.getName(), a.getValue()]));
    assert.equal(attributes.get('email'), email);
    assert.equal(attributes.get('email_verified'), 'true');
    assert.equal(attributes.get('given_name'), 'Älice');
  });

  test('a deleted user is gone', async () => {
    const b = await signedIn();
    assert.equal(await called((done) => b.user.deleteUser(done)), 'SUCCESS');
    await fails(signIn(browser(b.username)), 'NotAuthorizedException', 'Incorrect username or password.');
  });

  test('a client of another pool does not know the user', async () => {
    const b = await confirmed();
    const otherPool = await createPool(admin);
    const otherClient = await createClient(admin, otherPool, ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']);
    const pool = new CognitoUserPool({ UserPoolId: otherPool, ClientId: otherClient, endpoint, Storage: new Storage() });
    const stranger = { pool, username: b.username, user: new CognitoUser({ Username: b.username, Pool: pool, Storage: new Storage() }) };
    await fails(signIn(stranger), 'NotAuthorizedException', 'Incorrect username or password.');
  });
});
