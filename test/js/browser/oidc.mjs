// The application under test: oidc-client-ts, set up as in the quick start of
// Cognito's console, with its functions where the suite can call them.

import { UserManager } from 'oidc-client-ts';

const plain = (value) => JSON.parse(JSON.stringify(value ?? null));

// The page is loaded again after each redirect, and keeps its settings.
window.configure = (settings) => sessionStorage.setItem('settings', JSON.stringify(settings));

/** Calls a function of the UserManager; errors come out by the code of the protocol or by their text. */
window.call = async (name, ...input) => {
  try {
    const manager = new UserManager(JSON.parse(sessionStorage.getItem('settings')));
    return { value: plain(await manager[name](...input)) };
  } catch (error) {
    return { error: error.error ?? error.message };
  }
};
