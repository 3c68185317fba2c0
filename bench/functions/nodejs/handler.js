// SPDX-License-Identifier: Apache-2.0
// Answers its event, after a while if it says so.

exports.handler = async (event) => {
  if (event.sleep_ms) await new Promise((resolve) => setTimeout(resolve, event.sleep_ms));
  return { ok: true, echo: event };
};
