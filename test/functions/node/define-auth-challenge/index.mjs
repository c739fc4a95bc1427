// Two riddles in a row, after the password where the client begins with it;
// three wrong answers in all end it.
export const handler = async (event) => {
  const session = event.request.session;
  const right = session.filter((s) => s.challengeName === "CUSTOM_CHALLENGE" && s.challengeResult).length;
  const wrong = session.filter((s) => s.challengeName === "CUSTOM_CHALLENGE" && !s.challengeResult).length;
  event.response.issueTokens = right >= 2;
  event.response.failAuthentication = wrong >= 3 || event.request.userNotFound === true;
  if (!event.response.issueTokens && !event.response.failAuthentication) {
    event.response.challengeName = session.at(-1)?.challengeName === "SRP_A" ? "PASSWORD_VERIFIER" : "CUSTOM_CHALLENGE";
  }
  return event;
};
