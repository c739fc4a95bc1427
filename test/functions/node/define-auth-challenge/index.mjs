// Two riddles in a row; three wrong answers in all end it.
export const handler = async (event) => {
  const session = event.request.session;
  const right = session.filter((s) => s.challengeName === "CUSTOM_CHALLENGE" && s.challengeResult).length;
  const wrong = session.filter((s) => s.challengeName === "CUSTOM_CHALLENGE" && !s.challengeResult).length;
  event.response.issueTokens = right >= 2;
  event.response.failAuthentication = wrong >= 3 || event.request.userNotFound === true;
  if (!event.response.issueTokens && !event.response.failAuthentication) event.response.challengeName = "CUSTOM_CHALLENGE";
  return event;
};
