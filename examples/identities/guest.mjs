// A guest, who has not signed in, reads what is public.

import { fromCognitoIdentityPool } from '@aws-sdk/credential-providers';
import { read, storeOf, write } from './departments.mjs';
import { endpoint, isProgram, region, settings, store } from './settings.mjs';

/** The store, as a guest sees it. */
export function guestStore() {
  return store(fromCognitoIdentityPool({ identityPoolId: settings().identityPoolId, clientConfig: { region, endpoint } }));
}

if (isProgram(import.meta)) {
  await write(await storeOf('ann'), 'public/news.txt', 'open on Sunday');
  const guest = guestStore();
  console.log('a guest reads:', await read(guest, 'public/news.txt'));
  await write(guest, 'public/news.txt', 'x').catch((error) => console.log('a guest who writes is refused:', error.name));
}
