// CommonJS and a callback, as older functions are written.
exports.handler = (event, context, callback) => {
  const round = event.request.session.filter((s) => s.challengeName === "CUSTOM_CHALLENGE" && s.challengeResult).length + 1;
  event.response.publicChallengeParameters = { question: `${round} + ${round}` };
  event.response.privateChallengeParameters = { answer: String(round + round) };
  event.response.challengeMetadata = `ROUND_${round}`;
  callback(null, event);
};
