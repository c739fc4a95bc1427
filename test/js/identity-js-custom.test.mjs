// amazon-cognito-identity-js, unmodified, against a pool whose functions are the
// handlers of test/functions: custom challenges, sign-up, tokens, migration.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { AuthenticationDetails, CognitoUser, CognitoUserAttribute, CognitoUserPool } from 'amazon-cognito-identity-js';
import { AdminCreateUserCommand, AdminGetUserCommand, AdminSetUserPasswordCommand } from '@aws-sdk/client-cognito-identity-provider';
import { administrator, claims, createClient, createPool, endpoint, newestCode, Storage, unique } from './cognate.mjs';

const password = 'Correct-horse-1';
const oldPassword = 'Old-Passw0rd!'; // that the user-migration handler knows
const arn = (name) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`;

/** Turns a call with callbacks into a promise of what was called back. */
function outcome(start) {
  return new Promise((resolve, reject) => {
    start({
      onSuccess: (result) => resolve({ outcome: 'success', result }),
      onFailure: reject,
      customChallenge: (params) => resolve({ outcome: 'challenge', params }),
      inputVerificationCode: (data) => resolve({ outcome: 'codeSent', data }),
      newPasswordRequired: () => reject(new Error('unexpected: newPasswordRequired')),
      mfaRequired: () => reject(new Error('unexpected: mfaRequired')),
    });
  });
}

function fails(promise, code, message) {
  return assert.rejects(promise, (error) => {
    assert.equal(error.code ?? error.name, code, error.message);
    assert.equal(error.message, message);
    return true;
  });
}

describe('functions of a pool', () => {
  let admin;
  let poolId;
  let clientId;

  async function makePool() {
    poolId = await createPool(admin, {
      LambdaConfig: {
        PreSignUp: arn('pre-sign-up'),
        DefineAuthChallenge: arn('define-auth-challenge'),
        CreateAuthChallenge: arn('create-auth-challenge'),
        VerifyAuthChallengeResponse: arn('verify-auth-challenge-response'),
        PreTokenGenerationConfig: { LambdaVersion: 'V2_0', LambdaArn: arn('pre-token-generation') },
        UserMigration: arn('user-migration'),
      },
    });
    clientId = await createClient(admin, poolId, [
      'ALLOW_CUSTOM_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH',
    ]);
  }

  before(async () => {
    admin = administrator();
    await makePool();
  });

  function browser(username, flow) {
    const storage = new Storage();
    const pool = new CognitoUserPool({ UserPoolId: poolId, ClientId: clientId, endpoint, Storage: storage });
    const user = new CognitoUser({ Username: username, Pool: pool, Storage: storage });
    if (flow) user.setAuthenticationFlowType(flow);
    return { pool, user };
  }

  async function person() {
    const username = unique('user');
    await admin.send(new AdminCreateUserCommand({ UserPoolId: poolId, Username: username, MessageAction: 'SUPPRESS' }));
    await admin.send(new AdminSetUserPasswordCommand({ UserPoolId: poolId, Username: username, Password: password, Permanent: true }));
    return username;
  }

  const begin = (user) => outcome((callbacks) => user.initiateAuth(new AuthenticationDetails({ Username: user.getUsername() }), callbacks));
  const answer = (user, text) => outcome((callbacks) => user.sendCustomChallengeAnswer(text, callbacks));
  const signIn = (user, Password) => outcome((callbacks) => user.authenticateUser(new AuthenticationDetails({ Username: user.getUsername(), Password }), callbacks));

  test('a custom challenge of two rounds, a wrong answer between them', async () => {
    const { user } = browser(await person(), 'CUSTOM_AUTH');
    let step = await begin(user);
    assert.equal(step.outcome, 'challenge');
    assert.equal(step.params.question, '1 + 1');
    assert.equal(step.params.answer, undefined, 'the private parameters are shown');
    step = await answer(user, '2');
    assert.equal(step.params.question, '2 + 2');
    step = await answer(user, 'wrong');
    assert.equal(step.params.question, '2 + 2');
    step = await answer(user, '4');
    assert.equal(step.outcome, 'success');
    assert.equal(claims(step.result.getIdToken().getJwtToken())['cognito:username'], user.getUsername());
  });

  test('three wrong answers end it', async () => {
    const { user } = browser(await person(), 'CUSTOM_AUTH');
    await begin(user);
    for (let i = 0; i < 2; i++) assert.equal((await answer(user, 'wrong')).outcome, 'challenge');
    await fails(answer(user, 'wrong'), 'NotAuthorizedException', 'Incorrect username or password.');
    await fails(answer(user, '2'), 'NotAuthorizedException', 'Invalid session for the user.');
  });

  test('the password first, then the challenges', async () => {
    const name = await person();
    await fails(signIn(browser(name, 'CUSTOM_AUTH').user, 'Wrong-horse-1'), 'NotAuthorizedException', 'Incorrect username or password.');
    const { user } = browser(name, 'CUSTOM_AUTH');
    let step = await signIn(user, password);
    assert.equal(step.outcome, 'challenge');
    assert.equal(step.params.question, '1 + 1');
    await answer(user, '2');
    step = await answer(user, '4');
    assert.equal(step.outcome, 'success');
  });

  test('somebody who does not exist learns no more than a wrong answer tells', async () => {
    await fails(begin(browser(unique('nobody'), 'CUSTOM_AUTH').user), 'NotAuthorizedException', 'Incorrect username or password.');
  });

  test('a sign-up that the function confirms, and one that it refuses', async () => {
    const username = unique('new');
    const { pool, user } = browser(username);
    const signUp = (name, email) => new Promise((resolve, reject) => {
      pool.signUp(name, password, [new CognitoUserAttribute({ Name: 'email', Value: email })], [], (error, result) => (error ? reject(error) : resolve(result)));
    });
    const result = await signUp(username, `${username}@example.com`);
    assert.equal(result.userConfirmed, true);
    const { result: session } = await signIn(user, password);
    assert.equal(claims(session.getIdToken().getJwtToken()).email_verified, true);
    await fails(signUp(unique('eve'), 'eve@blocked.example'), 'UserLambdaValidationException', 'PreSignUp failed with error This domain may not sign up.');
  });

  test('claims and a scope that the function adds, again at each refresh', async () => {
    const { user } = browser(await person());
    const { result: session } = await signIn(user, password);
    const check = (s) => {
      const access = claims(s.getAccessToken().getJwtToken());
      assert.equal(access.tenant, 'acme');
      assert.deepEqual(access.limits, { seats: 5 });
      assert.deepEqual(access.scope.split(' '), ['aws.cognito.signin.user.admin', 'reports/read']);
      assert.equal(claims(s.getIdToken().getJwtToken()).tenant, 'acme');
    };
    check(session);
    check(await new Promise((resolve, reject) => {
      user.refreshSession(session.getRefreshToken(), (error, s) => (error ? reject(error) : resolve(s)));
    }));
  });

  test('a user of the old directory comes over by the password, and signs in by SRP from then on', async () => {
    await fails(signIn(browser('olivia', 'USER_PASSWORD_AUTH').user, 'Wrong-horse-1'), 'NotAuthorizedException', 'Incorrect username or password.');
    await fails(signIn(browser('olivia').user, oldPassword), 'NotAuthorizedException', 'Incorrect username or password.');
    const { result: session } = await signIn(browser('olivia', 'USER_PASSWORD_AUTH').user, oldPassword);
    assert.equal(claims(session.getIdToken().getJwtToken()).email, 'olivia@example.com');
    assert.equal((await signIn(browser('olivia').user, oldPassword)).outcome, 'success');
    const stored = await admin.send(new AdminGetUserCommand({ UserPoolId: poolId, Username: 'olivia' }));
    assert.equal(stored.UserStatus, 'CONFIRMED');
  });

  test('a user of the old directory comes over by a forgotten password', async () => {
    await makePool();
    const { user } = browser('olivia');
    const step = await outcome((callbacks) => user.forgotPassword(callbacks));
    assert.equal(step.outcome, 'codeSent');
    assert.equal(step.data.CodeDeliveryDetails.Destination, 'o***@e***');
    const code = await newestCode(poolId, 'olivia@example.com');
    await new Promise((onSuccess, onFailure) => { user.confirmPassword(code, password, { onSuccess, onFailure }); });
    assert.equal((await signIn(user, password)).outcome, 'success');
  });
});
