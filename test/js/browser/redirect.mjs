// The application of app.mjs, which signs in at the domain. It keeps its settings during
// the redirects, and records Amplify's events about the sign-in.

import './app.mjs';
import { Hub } from 'aws-amplify/utils';

window.events = [];
Hub.listen('auth', ({ payload }) => {
  window.events.push({ event: payload.event, detail: payload.data?.error?.message ?? payload.data });
});

const { configure } = window;
window.configure = (settings) => {
  sessionStorage.setItem('settings', JSON.stringify(settings));
  configure(settings);
};
const settings = sessionStorage.getItem('settings');
if (settings) configure(JSON.parse(settings));
