# SPDX-License-Identifier: Apache-2.0
# frozen_string_literal: true

# A function that a stem runs before it is one: a little of what most functions do. See `rehearse` in `bootstrap.rb`.

require "json"
require "time"

module TinderboxRehearsal
  PREFIX = ENV.fetch("PREFIX", "")

  # Something to make objects of.
  class Item
    attr_reader :key

    def initialize(key, *values, **rest)
      @key, @values, @rest = key, values, rest
    end

    def size
      @values.flatten.compact.count { |value| !value.is_a?(String) || value.start_with?(PREFIX) }
    end

    def to_s
      "#{@key}: #{size}"
    end
  end

  def self.handler(event:, context:)
    items = event.each_with_index.map { |(key, value), index| Item.new(key, value, at: index) }
    name = begin
      event.fetch("missing")
    rescue KeyError => error
      error.message
    end
    body = JSON.generate(name: name, items: items.map(&:to_s), at: Time.now.utc.iso8601(3))
    { statusCode: 200, body: body, left: context.get_remaining_time_in_millis, first: JSON.parse(body)["items"].first }
  end
end
