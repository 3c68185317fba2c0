// SPDX-License-Identifier: Apache-2.0
package tinderbox.bridge;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.util.LinkedHashMap;
import java.util.Map;
import tinderbox.runtime.Invocation;
import tinderbox.runtime.Log;

/**
 * The context of one invocation. Most handlers ask it for little, and the JVM would load an interface to see that a class
 * of ours implements it where one is returned as the other. What is cast from Object is seen when it is asked for.
 */
public final class LambdaContext implements Context {
    private final Invocation invocation;

    LambdaContext(Invocation invocation) {
        this.invocation = invocation;
    }

    @Override
    public String getAwsRequestId() {
        return invocation.requestId;
    }

    @Override
    public String getLogGroupName() {
        return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
    }

    @Override
    public String getLogStreamName() {
        return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
    }

    @Override
    public String getFunctionName() {
        return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
    }

    @Override
    public String getFunctionVersion() {
        return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
    }

    @Override
    public String getInvokedFunctionArn() {
        return invocation.functionArn;
    }

    @Override
    public CognitoIdentity getIdentity() {
        Map<?, ?> identity = invocation.document("lambda-runtime-cognito-identity");
        return identity == null ? null : (CognitoIdentity) (Object) new Identity(identity);
    }

    @Override
    public ClientContext getClientContext() {
        Map<?, ?> client = invocation.document("lambda-runtime-client-context");
        return client == null ? null : (ClientContext) (Object) new Caller(client);
    }

    @Override
    public int getRemainingTimeInMillis() {
        return invocation.remainingMs();
    }

    @Override
    public int getMemoryLimitInMB() {
        return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
    }

    @Override
    public LambdaLogger getLogger() {
        return Logger.ONE;
    }

    @Override
    public String getTenantId() {
        return invocation.tenantId;
    }

    @Override
    public String getXrayTraceId() {
        return invocation.traceId;
    }

    private static String text(Map<?, ?> fields, String name) {
        Object value = fields.get(name);
        return value == null ? null : value.toString();
    }

    private static Map<?, ?> map(Map<?, ?> fields, String name) {
        Object value = fields.get(name);
        return value instanceof Map ? (Map<?, ?>) value : null;
    }

    private static final class Identity implements CognitoIdentity {
        private final Map<?, ?> fields;

        Identity(Map<?, ?> fields) {
            this.fields = fields;
        }

        @Override
        public String getIdentityId() {
            return text(fields, "cognitoIdentityId");
        }

        @Override
        public String getIdentityPoolId() {
            return text(fields, "cognitoIdentityPoolId");
        }
    }

    /** The mobile client behind an invocation. */
    private static final class Caller implements ClientContext, Client {
        private final Map<?, ?> fields;
        private final Map<?, ?> client;

        Caller(Map<?, ?> fields) {
            this.fields = fields;
            client = map(fields, "client");
        }

        @Override
        public Client getClient() {
            return client == null ? null : this;
        }

        @Override
        public Map<String, String> getCustom() {
            return texts("custom");
        }

        @Override
        public Map<String, String> getEnvironment() {
            return texts("env");
        }

        private Map<String, String> texts(String name) {
            Map<?, ?> found = map(fields, name);
            if (found == null) {
                return null;
            }
            Map<String, String> texts = new LinkedHashMap<>();
            for (Object key : found.keySet()) {
                texts.put((String) key, text(found, (String) key));
            }
            return texts;
        }

        @Override
        public String getInstallationId() {
            return text(client, "installation_id");
        }

        @Override
        public String getAppTitle() {
            return text(client, "app_title");
        }

        @Override
        public String getAppVersionName() {
            return text(client, "app_version_name");
        }

        @Override
        public String getAppVersionCode() {
            return text(client, "app_version_code");
        }

        @Override
        public String getAppPackageName() {
            return text(client, "app_package_name");
        }
    }

    private static final class Logger implements LambdaLogger {
        static final LambdaLogger ONE = new Logger();

        @Override
        public void log(String message) {
            Log.write(String.valueOf(message), "UNDEFINED");
        }

        @Override
        public void log(byte[] message) {
            Log.write(message);
        }

        @Override
        public void log(String message, LogLevel level) {
            Log.write(String.valueOf(message), level.name());
        }

        @Override
        public void log(byte[] message, LogLevel level) {
            Log.write(message);
        }
    }
}
