# SPDX-License-Identifier: Apache-2.0
# frozen_string_literal: true

# Answers its event, after a while if it says so.
def handler(event:, context:)
  sleep(event["sleep_ms"] / 1000.0) if event["sleep_ms"]
  { ok: true, echo: event }
end
