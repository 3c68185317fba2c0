# SPDX-License-Identifier: Apache-2.0
# frozen_string_literal: true

# The Ruby runtime: loads a handler, then serves it events from the Runtime API.
#
# On a bare socket, because `net/http` costs most of a start. A response and the request for the next event leave in one
# write. Everything is in one module, so that a function finds Ruby as it is.

require "json"
require "logger"
require "socket.so"
require "stringio"

module TinderboxRuntime
  RUNTIME_DIR = __dir__
  TASK_ROOT = ENV["LAMBDA_TASK_ROOT"] || "/var/task"

  # What a function did wrong, as the Runtime API and the log are told.
  class Failure
    TRACE_MAX = 100

    attr_reader :type, :exit_status

    # `kind` says whose part failed: Function, Init or Runtime.
    def initialize(error, kind, exit_status = nil)
      @type = "#{kind}<#{error.class}>"
      @message = error.message
      @trace = trace(error)
      @exit_status = exit_status
    end

    def document
      { "errorMessage" => @message, "errorType" => @type, "stackTrace" => @trace }
    end

    def text
      JSON.pretty_generate(readable(document))
    end

    def body
      JSON.generate(readable(document))
    end

    # A class may be called anything, a header may not.
    def header
      type = @type.match?(/\A[\x21-\x7e]+\z/) ? @type : "Function<UserException>"
      "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: #{type}\r\n"
    end

    private

    # The frames above the runtime's own.
    def trace(error)
      lines = error.backtrace || []
      lines.first(TRACE_MAX).take_while { |line| !line.start_with?(RUNTIME_DIR) }
    end

    # Messages are bytes of any kind.
    def readable(value)
      case value
      when Hash then value.transform_values { |one| readable(one) }
      when Array then value.map { |one| readable(one) }
      else value.to_s.encode("UTF-8", invalid: :replace, undef: :replace).scrub
      end
    end
  end

  # One kept-alive connection to the Runtime API.
  class Connection
    Answer = Struct.new(:status, :headers, :body)

    def initialize(address)
      @host, slash, prefix = address.partition("/")
      @version = "#{slash}#{prefix}/2018-06-01"
      @next = get("/runtime/invocation/next")
    end

    def ask(path)
      send_bytes(get(path))
      receive
    end

    # Posts `body` and answers what the Runtime API says.
    def post(path, headers, body)
      send_bytes(message(path, headers, body))
      receive
    end

    # The next event, after `answer` was posted, if there is one. Yields what the Runtime API says to it if that is not 202.
    def next_event(answer)
      # A server that closes the connection after each answer gets the two messages one by one.
      is_joint = @socket || !answer
      send_bytes("#{message(*answer) if answer}#{@next if is_joint}")
      if answer
        taken = receive
        yield taken if taken.status != 202
        send_bytes(@next) unless is_joint && @socket
      end
      receive
    end

    private

    def get(path)
      "GET #{@version}#{path} HTTP/1.1\r\nHost: #{@host}\r\nUser-Agent: tinderbox-ruby/#{RUBY_VERSION}\r\n\r\n".b
    end

    def message(path, headers, body)
      head = "POST #{@version}#{path} HTTP/1.1\r\nHost: #{@host}\r\n#{headers}Content-Length: #{body.bytesize}\r\n\r\n"
      head.b << body.b
    end

    def send_bytes(bytes)
      connect unless @socket
      @socket.write(bytes)
    end

    def connect
      name, _, port = @host.rpartition(":")
      @socket = TCPSocket.new(name, port.to_i)
      @socket.sync = true
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      @rest = +"".b
    end

    def receive
      more until (finish = @rest.index("\r\n\r\n"))
      lines = @rest.slice!(0, finish + 4).split("\r\n")
      status = lines.shift[9, 3].to_i
      headers = lines.to_h do |line|
        name, _, value = line.partition(":")
        [name.downcase, value.strip]
      end
      body = headers["transfer-encoding"] ? chunked : whole(headers["content-length"].to_i)
      close if headers["connection"]&.downcase == "close"
      Answer.new(status, headers, body.force_encoding(Encoding::UTF_8))
    end

    def whole(size)
      more while @rest.bytesize < size
      return @rest.slice!(0, size) if @rest.bytesize > size

      body = @rest
      @rest = +"".b
      body
    end

    def chunked
      body = +"".b
      while (size = line.to_i(16)).positive?
        more while @rest.bytesize < size + 2
        body << @rest.slice!(0, size)
        @rest.slice!(0, 2)
      end
      nil until line.empty?
      body
    end

    def line
      more until (finish = @rest.index("\r\n"))
      @rest.slice!(0, finish + 2).chomp
    end

    def more
      @rest << @socket.readpartial(1 << 20)
    end

    def close
      @socket.close
      @socket = nil
    end
  end

  # What a handler is told about its invocation.
  class LambdaContext
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
                :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms, :tenant_id

    def initialize(headers)
      @deadline_ms = headers["lambda-runtime-deadline-ms"].to_i
      @aws_request_id = headers["lambda-runtime-aws-request-id"]
      @invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
      @tenant_id = headers["lambda-runtime-aws-tenant-id"]
      @log_group_name = ENV["AWS_LAMBDA_LOG_GROUP_NAME"]
      @log_stream_name = ENV["AWS_LAMBDA_LOG_STREAM_NAME"]
      @function_name = ENV["AWS_LAMBDA_FUNCTION_NAME"]
      @memory_limit_in_mb = ENV["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
      @function_version = ENV["AWS_LAMBDA_FUNCTION_VERSION"]
      @identity = document(headers["lambda-runtime-cognito-identity"])
      @client_context = document(headers["lambda-runtime-client-context"])
    end

    def get_remaining_time_in_millis
      [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
    end

    private

    def document(text)
      JSON.parse(text.dup.force_encoding(Encoding::UTF_8)) if text && !text.empty?
    end
  end

  # The log: what the runtime says itself, and what a Logger on the standard output does. With a pipe for frames an event
  # may have several lines; on the standard output a line is an event, and its own lines are separated by carriage returns.
  module Log
    FRAME_TEXT = 0xa55a0003
    LEVELS = { "DEBUG" => 8, "INFO" => 12, "WARN" => 16, "ERROR" => 20, "FATAL" => 24 }.freeze

    class << self
      attr_accessor :request_id

      def open
        $stdout.sync = true
        number = ENV.delete("_LAMBDA_TELEMETRY_LOG_FD")
        @pipe = IO.for_fd(number.to_i, "wb", autoclose: false, sync: true) if number
      end

      def write(text, level = nil)
        if @pipe
          micros = Process.clock_gettime(Process::CLOCK_REALTIME, :microsecond)
          @pipe.syswrite([FRAME_TEXT | LEVELS.fetch(level, 0), text.bytesize, micros].pack("NNQ>") << text.b)
        else
          $stdout.write("#{text.chomp.tr("\n", "\r")}\n")
        end
      end
    end

    # Adds the request to a line of Logger, as AWS does.
    class Formatter < Logger::Formatter
      def call(severity, time, progname, message)
        format("%s, [%s #%d] %5s %s -- %s: %s\n", severity[0], format_datetime(time), Process.pid, severity,
               Log.request_id, progname, msg2str(message))
      end
    end

    # Where a Logger on the standard output writes.
    class Device
      def write(text)
        Log.write(text, text[/\A[A-Z], \[[^\]]*\] +([A-Z]+)/, 1])
      end

      def close; end
    end

    # What a Logger without a file of its own is made of.
    module Standard
      def initialize(logdev = nil, *rest, formatter: nil, **options)
        if logdev.nil? || logdev.equal?($stdout) || logdev.equal?($stderr)
          super(Device.new, *rest, formatter: formatter || Formatter.new, **options)
        else
          super
        end
      end
    end
  end

  # A function's handler: `file.method` or `file.Class.method`.
  class Handler
    def initialize(name)
      @file, *@names = name.split(".")
      return if [1, 2].include?(@names.size)

      raise ArgumentError, "Invalid handler #{name}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME " \
                           "corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional module/class " \
                           "namespace and METHOD is a callable method. If using CLASS, METHOD must be a class-level method."
    end

    # The file of the package wins over one of the same name that is loaded already.
    def load
      path = File.join(TASK_ROOT, @file)
      require(File.file?("#{path}.rb") ? path : @file)
    end

    # The response and its content type.
    def call(event, context)
      *owner, method = @names
      receiver = owner.empty? ? TOPLEVEL_BINDING.receiver : Kernel.const_get(owner.first)
      response = receiver.__send__(method, event: event, context: context)
      return [response.read, "application/unknown"] if response.is_a?(StringIO) || response.is_a?(IO)

      [JSON.dump(response), "application/json"]
    end
  end

  class << self
    def main
      connection = Connection.new(ENV["AWS_LAMBDA_RUNTIME_API"] || "127.0.0.1:9001")
      become_a_function(connection) if ENV["TINDERBOX_STEM"]
      Log.open
      Logger.prepend(Log::Standard)
      add_gems
      handler = load_handler(connection, ENV["_HANDLER"] || "")
      serve(connection, handler)
    rescue SystemCallError, IOError => error
      stop("the connection to the Runtime API broke: #{error.message}")
    end

    private

    # Those that come with Ruby are behind the function's own.
    def add_gems
      return unless defined?(Gem) && ENV["GEM_PATH"]

      own = ENV["GEM_PATH"].split(":")
      Gem.paths = { "GEM_HOME" => ENV["GEM_HOME"], "GEM_PATH" => (own + Gem.default_path).uniq.join(":") }
    end

    def load_handler(connection, name)
      handler = Handler.new(name)
      handler.load
      handler
    rescue Exception => error # also what is no StandardError: a syntax error, a missing file, an exit
      failure = Failure.new(error, "Init")
      Log.write("Init error when loading handler #{name}\n#{failure.text}", "ERROR")
      connection.post("/runtime/init/error", failure.header, failure.body)
      exit!(1)
    end

    def serve(connection, handler)
      answer = nil
      loop do
        event = connection.next_event(answer) { |taken| refused(taken) }
        stop("the Runtime API answered #{event.status} to the request for the next event") if event.status != 200
        answer = invoke(connection, handler, event)
      end
    end

    # What is to be posted: path, headers, body.
    def invoke(connection, handler, event)
      headers = event.headers
      Log.request_id = headers["lambda-runtime-aws-request-id"]
      ENV["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
      path = "/runtime/invocation/#{Log.request_id}"
      body, type = run(handler, event)
      return ["#{path}/response", "Content-Type: #{type}\r\n", body] unless body.is_a?(Failure)

      failure = body
      title = failure.exit_status ? "Critical exception from handler" : "Error raised from handler method"
      Log.write("#{title}\n#{failure.text}", "ERROR")
      if failure.exit_status
        connection.post("#{path}/error", failure.header, failure.body)
        exit!(failure.exit_status)
      end
      ["#{path}/error", failure.header, failure.body]
    end

    def run(handler, event)
      begin
        is_json = event.headers.fetch("content-type", "application/json").start_with?("application/json")
        value = is_json ? JSON.parse(event.body) : event.body
        context = LambdaContext.new(event.headers)
      rescue JSON::ParserError => error
        return Failure.new(error, "Runtime")
      end
      handler.call(value, context)
    rescue NoMethodError => error
      Failure.new(error, "Function", 255)
    rescue StandardError => error
      Failure.new(error, "Function")
    rescue Exception => error # the process can not be relied on any more: AWS ends it
      Failure.new(error, "Function", 255)
    end

    # The caller has got an error; this process can go on.
    def refused(answer)
      stop("the Runtime API failed with status #{answer.status}") if answer.status >= 500
      warn "LAMBDA_RUNTIME Failed to post handler success response. Http response code: #{answer.status}. #{answer.body}"
    end

    def stop(why)
      warn "the runtime stops: #{why}"
      exit!(1)
    end

    # What a stem does: it is started before anybody knows for which function, and asks. When the answer comes, the code is
    # mounted; in it are the function's environment variables.
    def become_a_function(connection)
      rehearse(connection)
      answer = connection.ask("/runtime/function")
      stop("the Runtime API answered #{answer.status} to the question which function this is") if answer.status != 200
      ENV.delete("TINDERBOX_STEM")
      ENV.update(JSON.parse(answer.body))
      Dir.chdir(TASK_ROOT)
      return unless defined?(Gem)

      # Directories that were looked into while they were empty.
      Gem.clear_paths
      Gem.refresh
    end

    REHEARSALS = 3
    EVENT = '{"key": ["a", 1, 2.5, true, null, {"b": 0}], "name": "\u00fc"}'

    # The first time is slow. So a stem answers events that nobody sent; nothing of that is left for the function to find.
    def rehearse(connection)
      headers = { "lambda-runtime-aws-request-id" => "0", "lambda-runtime-deadline-ms" => "1" }
      file = File.join(RUNTIME_DIR, "rehearsal.rb")
      REHEARSALS.times do
        connection.ask("/ping")
        load(file)
        event = Connection::Answer.new(200, headers, EVENT.dup)
        handler = Handler.new("rehearsal.TinderboxRehearsal.handler")
        path, head, body = invoke(connection, handler, event)
        raise body unless path.end_with?("/response")

        connection.__send__(:message, path, head, body)
        Object.__send__(:remove_const, :TinderboxRehearsal)
      end
      Log.request_id = nil
      ENV.delete("_X_AMZN_TRACE_ID")
      Process.respond_to?(:warmup) ? Process.warmup : GC.start
    end
  end
end

TinderboxRuntime.main
