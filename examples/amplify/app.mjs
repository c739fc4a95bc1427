// The page: forms for the functions of session.mjs.

import { configure, confirm, enter, leave, register, whoIsSignedIn } from './session.mjs';

configure(await (await fetch('/settings.json')).json());

const element = (id) => document.getElementById(id);

/** Runs a handler of a form, and shows its outcome. */
function handle(id, handler) {
  element(id).addEventListener('submit', async (event) => {
    event.preventDefault();
    element('status').textContent = '…';
    try {
      element('status').textContent = await handler(Object.fromEntries(new FormData(event.target)));
    } catch (error) {
      element('status').textContent = `${error.name}: ${error.message}`;
    }
  });
}

const greeting = ({ username, groups }) => `Hello ${username}${groups.map((group) => `, ${group}`).join('')}`;

handle('sign-up', async ({ username, password, email }) => `A code was sent to ${await register(username, password, email)}`);
handle('confirm', async ({ username, code }) => {
  await confirm(username, code);
  return 'Confirmed: you can sign in';
});
handle('sign-in', async ({ username, password }) => greeting(await enter(username, password)));
handle('sign-out', async () => {
  await leave();
  return 'You are not signed in';
});

// A sign-in outlives the page: Amplify keeps the tokens in the browser's storage.
const user = await whoIsSignedIn();
element('status').textContent = user ? greeting(user) : 'You are not signed in';
