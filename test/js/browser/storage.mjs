// An application with Amplify's Auth and Storage.

import { Amplify } from 'aws-amplify';
import * as auth from 'aws-amplify/auth';
import * as storage from 'aws-amplify/storage';

window.configure = (config) => Amplify.configure(config);

const answer = async (call) => {
  try {
    return { value: JSON.parse(JSON.stringify((await call()) ?? null)) };
  } catch (error) {
    return { error: error.name, status: error.metadata?.httpStatusCode ?? error.$metadata?.httpStatusCode };
  }
};

window.auth = (name, input) => answer(() => auth[name](input));

window.upload = (path, data, options) => answer(() => storage.uploadData({ path, data, options }).result);

window.list = (path, options) => answer(() => storage.list({ path, options }));

window.download = (path, options) =>
  answer(async () => {
    const { body } = await storage.downloadData({ path, options }).result;
    return body.text();
  });

/** Reads an object by an address that is signed for it. */
window.fetchByURL = (path, options) =>
  answer(async () => {
    const { url } = await storage.getUrl({ path, options });
    const response = await fetch(url);
    return { status: response.status, text: await response.text() };
  });
