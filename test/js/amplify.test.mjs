// Amplify v6 in Chromium, unmodified: choice-based sign-in with codes and with
// passkeys, sign-in that follows a sign-up, refresh.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  SetUserPoolMfaConfigCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { launch, withAuthenticator } from './browser/page.mjs';
import { administrator, createClient, createPool, endpoint, newestMessage, unique, wrongCode } from './cognate.mjs';

const password = 'Correct-horse-1';

describe('Amplify in a browser', () => {
  const admin = administrator();
  let browser, poolId, config;

  before(async () => {
    browser = await launch('app.mjs');
    poolId = await createPool(admin, {
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP', 'WEB_AUTHN'] } },
    });
    await admin.send(
      new SetUserPoolMfaConfigCommand({
        UserPoolId: poolId,
        MfaConfiguration: 'OFF',
        WebAuthnConfiguration: { RelyingPartyId: 'localhost', UserVerification: 'required' },
      }),
    );
    const userPoolClientId = await createClient(admin, poolId, ['ALLOW_USER_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']);
    config = { userPoolId: poolId, userPoolClientId, userPoolEndpoint: endpoint };
  });

  after(() => browser?.close());

  /** A confirmed user with a password and a verified address. */
  async function person() {
    const username = unique('alice');
    const email = `${username}@example.com`;
    await admin.send(
      new AdminCreateUserCommand({
        UserPoolId: poolId,
        Username: username,
        TemporaryPassword: password,
        MessageAction: 'SUPPRESS',
        UserAttributes: [
          { Name: 'email', Value: email },
          { Name: 'email_verified', Value: 'true' },
        ],
      }),
    );
    await admin.send(new AdminSetUserPasswordCommand({ UserPoolId: poolId, Username: username, Password: password, Permanent: true }));
    return { username, email };
  }

  async function code(email, digits) {
    const message = await newestMessage(poolId, email);
    assert.match(message.code, new RegExp(`^\\d{${digits}}$`));
    return message.code;
  }

  /** A page whose calls must succeed. */
  async function open() {
    const app = await browser.open(config);
    app.must = async (name, input) => {
      const { value, error, message } = await app.call(name, input);
      assert.equal(error, undefined, `${name}: ${error}: ${message}`);
      return value;
    };
    return app;
  }

  const byChoice = (username, preferredChallenge, extra = {}) => ({ username, options: { authFlowType: 'USER_AUTH', preferredChallenge }, ...extra });

  test('a code by mail', async () => {
    const { username, email } = await person();
    const app = await open();
    const first = await app.must('signIn', byChoice(username, 'EMAIL_OTP'));
    assert.equal(first.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_EMAIL_CODE');
    assert.deepEqual(first.nextStep.codeDeliveryDetails, { deliveryMedium: 'EMAIL', destination: 'a***@e***' });
    const sent = await code(email, 8);
    const wrong = await app.call('confirmSignIn', { challengeResponse: wrongCode(sent).padStart(8, '0') });
    assert.equal(wrong.error, 'CodeMismatchException');
    const done = await app.must('confirmSignIn', { challengeResponse: sent });
    assert.deepEqual(done, { isSignedIn: true, nextStep: { signInStep: 'DONE' } });
    assert.equal((await app.must('getCurrentUser')).username, username);
  });

  test('choosing among factors', async () => {
    const { username, email } = await person();
    const app = await open();
    const first = await app.must('signIn', byChoice(username));
    assert.equal(first.nextStep.signInStep, 'CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION');
    assert.deepEqual(first.nextStep.availableChallenges, ['PASSWORD_SRP', 'PASSWORD', 'EMAIL_OTP']);
    const asked = await app.must('confirmSignIn', { challengeResponse: 'EMAIL_OTP' });
    assert.equal(asked.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_EMAIL_CODE');
    const done = await app.must('confirmSignIn', { challengeResponse: await code(email, 8) });
    assert.equal(done.isSignedIn, true);
  });

  for (const chosen of ['PASSWORD', 'PASSWORD_SRP']) {
    test(`${chosen} at once and by choice`, async () => {
      const { username } = await person();
      const app = await open();
      const wrong = await app.call('signIn', byChoice(username, chosen, { password: `${password}x` }));
      assert.equal(wrong.error, 'NotAuthorizedException');
      assert.equal((await app.must('signIn', byChoice(username, chosen, { password }))).isSignedIn, true);
      await app.must('signOut');
      await app.must('signIn', byChoice(username));
      const asked = await app.must('confirmSignIn', { challengeResponse: chosen });
      assert.equal(asked.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_PASSWORD');
      assert.equal((await app.must('confirmSignIn', { challengeResponse: password })).isSignedIn, true);
    });
  }

  test('a forced refresh', async () => {
    const { username } = await person();
    const app = await open();
    await app.must('signIn', byChoice(username, 'PASSWORD_SRP', { password }));
    const before = await app.tokens();
    const kept = await app.tokens();
    const after = await app.tokens({ forceRefresh: true });
    assert.equal(kept.access, before.access);
    assert.notEqual(after.access, before.access);
    assert.notEqual(after.id, before.id);
    assert.equal(after.payload.sub, before.payload.sub);
    assert.equal(after.payload.auth_time, before.payload.auth_time);
  });

  test('a passkey', async () => {
    const { username } = await person();
    const app = await open();
    const authenticator = await withAuthenticator(app);
    await app.must('signIn', byChoice(username, 'PASSWORD_SRP', { password }));
    assert.deepEqual((await app.must('listWebAuthnCredentials')).credentials, []);
    await app.must('associateWebAuthnCredential');
    const { credentials } = await app.must('listWebAuthnCredentials');
    assert.equal(credentials.length, 1);
    assert.equal(credentials[0].relyingPartyId, 'localhost');
    assert.equal(credentials[0].authenticatorAttachment, 'platform');
    assert.deepEqual(credentials[0].authenticatorTransports, ['internal']);
    assert.equal((await authenticator.credentials()).length, 1);

    // The authenticator that has a passkey does not make another.
    assert.notEqual((await app.call('associateWebAuthnCredential')).error, undefined);

    for (let i = 0; i < 2; i++) {
      await app.must('signOut');
      const done = await app.must('signIn', byChoice(username, 'WEB_AUTHN'));
      assert.deepEqual(done, { isSignedIn: true, nextStep: { signInStep: 'DONE' } });
    }
    await app.must('signOut');
    const first = await app.must('signIn', byChoice(username));
    assert.deepEqual(first.nextStep.availableChallenges, ['PASSWORD_SRP', 'PASSWORD', 'EMAIL_OTP', 'WEB_AUTHN']);
    assert.equal((await app.must('confirmSignIn', { challengeResponse: 'WEB_AUTHN' })).isSignedIn, true);

    await app.must('deleteWebAuthnCredential', { credentialId: credentials[0].credentialId });
    assert.deepEqual((await app.must('listWebAuthnCredentials')).credentials, []);
    await app.must('signOut');
    const without = await app.must('signIn', byChoice(username, 'WEB_AUTHN'));
    assert.equal(without.nextStep.signInStep, 'CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION');
  });

  test('a passkey whose owner is not verified', async () => {
    const { username } = await person();
    const app = await open();
    const authenticator = await withAuthenticator(app);
    await app.must('signIn', byChoice(username, 'PASSWORD_SRP', { password }));
    await app.must('associateWebAuthnCredential');
    await app.must('signOut');
    await authenticator.verifyUser(false);
    const refused = await app.call('signIn', byChoice(username, 'WEB_AUTHN'));
    assert.notEqual(refused.error, undefined, 'signed in without verification');
    assert.equal((await app.call('getCurrentUser')).error, 'UserUnAuthenticatedException');
  });

  for (const [name, secret] of [['with a password', password], ['without a password', undefined]]) {
    test(`autoSignIn ${name}`, async () => {
      const username = unique('bob');
      const email = `${username}@example.com`;
      const app = await open();
      const first = await app.must('signUp', {
        username,
        password: secret,
        options: { userAttributes: { email }, autoSignIn: { authFlowType: 'USER_AUTH' } },
      });
      assert.equal(first.nextStep.signUpStep, 'CONFIRM_SIGN_UP');
      const confirmed = await app.must('confirmSignUp', { username, confirmationCode: await code(email, 6) });
      assert.equal(confirmed.nextStep.signUpStep, 'COMPLETE_AUTO_SIGN_IN');
      const done = await app.must('autoSignIn');
      assert.deepEqual(done, { isSignedIn: true, nextStep: { signInStep: 'DONE' } });
      assert.equal((await app.must('fetchUserAttributes')).email_verified, 'true');
    });
  }
});
