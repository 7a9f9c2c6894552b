// Tests hiredis: single requests, pipelines, a killed leader, and RESP3 with hiredis 1.0 or newer. scripts/compat.sh builds and
// runs this program; python/common.py describes its environment variables.
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { PORTS_MAX = 16, PATIENCE_SECONDS = 60, PIPELINE = 1000 };

static int ports[PORTS_MAX];
static int ports_count;
static char done[1024], without[1024];
static char name[128];

__attribute__((noreturn, format(printf, 1, 2))) static void failed(const char *format, ...) {
    va_list words;
    va_start(words, format);
    printf("%s: FAILED: ", name);
    vprintf(format, words);
    printf("; done before: %s\n", *done ? done : "nothing");
    va_end(words);
    exit(1);
}

static void add(char *list, const char *what) {
    size_t length = strlen(list);
    snprintf(list + length, sizeof done - length, "%s%s", length ? ", " : "", what);
}

static void did(const char *what) { add(done, what); }

static redisContext *try_connect(int port) {
    struct timeval patience = {PATIENCE_SECONDS, 0};
    redisContext *context = redisConnectWithTimeout("127.0.0.1", port, patience);
    if (context && !context->err) {
        redisSetTimeout(context, patience);
        return context;
    }
    if (context) redisFree(context);
    return NULL;
}

static redisContext *connect_to(int port) {
    redisContext *context = try_connect(port);
    if (!context) failed("no connection to port %d", port);
    return context;
}

// Sends a request and returns the reply; the program fails if there is none. In the format, hiredis' own %b takes bytes and their
// number.
static redisReply *ask(redisContext *context, const char *format, ...) {
    va_list words;
    va_start(words, format);
    redisReply *reply = redisvCommand(context, format, words);
    va_end(words);
    if (!reply) failed("%s: %s", format, context->errstr);
    return reply;
}

// Checks that a reply is this text, and frees it.
static void text(redisReply *reply, int type, const char *wanted, const char *what) {
    if (reply->type != type || !reply->str || strcmp(reply->str, wanted) != 0)
        failed("%s: got type %d, %s; wanted type %d, %s", what, reply->type, reply->str ? reply->str : "no text", type, wanted);
    freeReplyObject(reply);
}

static void number(redisReply *reply, long long wanted, const char *what) {
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer != wanted)
        failed("%s: got type %d, %lld; wanted %lld", what, reply->type, reply->integer, wanted);
    freeReplyObject(reply);
}

static int has(redisContext *context, const char *command) {
    redisReply *reply = ask(context, "COMMAND INFO %s", command);
    int found = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 && reply->element[0]->type != REDIS_REPLY_NIL;
    freeReplyObject(reply);
    if (!found && strcmp(getenv("COMPAT_ALLOW_MISSING"), "1") != 0) failed("the server has no %s", command);
    return found;
}

static void one_at_a_time(redisContext *context) {
    text(ask(context, "PING"), REDIS_REPLY_STATUS, "PONG", "PING");
    text(ask(context, "JSON.SET c $ %s", "{\"name\":\"Alice\",\"tags\":[1,null,\"x\"]}"), REDIS_REPLY_STATUS, "OK", "JSON.SET");
    text(ask(context, "JSON.GET c %s", "$.name"), REDIS_REPLY_STRING, "[\"Alice\"]", "JSON.GET");
    number(ask(context, "JSON.DEL c $.name"), 1, "JSON.DEL");
    redisReply *reply = ask(context, "JSON.RESP c $.tags");
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 || reply->element[0]->elements != 4)
        failed("JSON.RESP: type %d", reply->type);
    redisReply *tags = reply->element[0];
    if (tags->element[1]->integer != 1 || tags->element[2]->type != REDIS_REPLY_NIL || strcmp(tags->element[3]->str, "x") != 0)
        failed("JSON.RESP: other tags");
    freeReplyObject(reply);
    reply = ask(context, "JSON.GET nobody");
    if (reply->type != REDIS_REPLY_NIL) failed("JSON.GET of nothing: type %d", reply->type);
    freeReplyObject(reply);
    text(ask(context, "JSON.NUMINCRBY nobody $ 1"), REDIS_REPLY_ERROR,
         "ERR could not perform this operation on a key that doesn't exist", "JSON.NUMINCRBY");
    // The key and the value contain bytes that are not text.
    text(ask(context, "SET %b %b", "a\0\r\nb", (size_t)5, "\0\xff", (size_t)2), REDIS_REPLY_STATUS, "OK", "SET");
    reply = ask(context, "GET %b", "a\0\r\nb", (size_t)5);
    if (reply->len != 2 || memcmp(reply->str, "\0\xff", 2) != 0) failed("GET of bytes: %zu bytes", (size_t)reply->len);
    freeReplyObject(reply);
    did("one request at a time");
}

static void pipelines(redisContext *context) {
    redisReply *reply;
    for (int n = 0; n < PIPELINE; n++) {
        if (redisAppendCommand(context, "JSON.SET p:%d $ {\"n\":%d}", n, n) != REDIS_OK) failed("redisAppendCommand");
        redisAppendCommand(context, "JSON.NUMINCRBY p:%d .n 1", n);
        redisAppendCommand(context, "JSON.GET p:%d", n);
    }
    for (int n = 0; n < PIPELINE; n++) {
        char wanted[64];
        for (int request = 0; request < 3; request++) {
            if (redisGetReply(context, (void **)&reply) != REDIS_OK) failed("redisGetReply: %s", context->errstr);
            if (request == 0) {
                text(reply, REDIS_REPLY_STATUS, "OK", "JSON.SET in a pipeline");
            } else {
                snprintf(wanted, sizeof wanted, request == 1 ? "%d" : "{\"n\":%d}", n + 1);
                text(reply, REDIS_REPLY_STRING, wanted, "a pipeline");
            }
        }
    }
    did("pipelines of 3000 requests");
}

static void transactions(redisContext *context) {
    if (!has(context, "MULTI") || !has(context, "EXEC")) {
        add(without, "MULTI");
        return;
    }
    text(ask(context, "MULTI"), REDIS_REPLY_STATUS, "OK", "MULTI");
    text(ask(context, "SET m 1"), REDIS_REPLY_STATUS, "QUEUED", "SET in MULTI");
    text(ask(context, "INCR m"), REDIS_REPLY_STATUS, "QUEUED", "INCR in MULTI");
    redisReply *reply = ask(context, "EXEC");
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[1]->integer != 2)
        failed("EXEC: type %d", reply->type);
    freeReplyObject(reply);
    did("MULTI");
}

static void publish(redisContext *context) {
    if (!has(context, "SUBSCRIBE") || !has(context, "PUBLISH")) {
        add(without, "pub/sub");
        return;
    }
    redisContext *listener = connect_to(atoi(getenv("COMPAT_PORT")));
    redisReply *reply = ask(listener, "SUBSCRIBE news");
    if (reply->elements != 3 || reply->element[2]->integer != 1) failed("SUBSCRIBE");
    freeReplyObject(reply);
    number(ask(context, "PUBLISH news hello"), 1, "PUBLISH");
    if (redisGetReply(listener, (void **)&reply) != REDIS_OK) failed("a message: %s", listener->errstr);
    if (reply->elements != 3 || strcmp(reply->element[2]->str, "hello") != 0) failed("a message");
    freeReplyObject(reply);
    redisFree(listener);
    did("pub/sub");
}

static void resp3(void) {
#ifdef REDIS_REPLY_MAP
    redisContext *context = connect_to(ports[0]);
    redisReply *reply = ask(context, "HELLO 3");
    if (reply->type != REDIS_REPLY_MAP) failed("HELLO 3: type %d", reply->type);
    freeReplyObject(reply);
    freeReplyObject(ask(context, "JSON.SET three $ [1.5]"));
    reply = ask(context, "JSON.NUMINCRBY three $[0] 1");
    if (reply->type != REDIS_REPLY_ARRAY || reply->element[0]->type != REDIS_REPLY_DOUBLE || reply->element[0]->dval != 2.5)
        failed("JSON.NUMINCRBY over RESP3");
    freeReplyObject(reply);
    redisFree(context);
    did("RESP3");
#else
    redisContext *context = connect_to(ports[0]);
    redisReply *reply = ask(context, "HELLO 2");
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 0 || strcmp(reply->element[0]->str, "server") != 0)
        failed("HELLO 2: type %d", reply->type);
    freeReplyObject(reply);
    redisFree(context);
    did("HELLO 2 (this hiredis has no RESP3)");
#endif
}

// The number of the leader, from 0, as the node at this port knows it; negative if that node knows no leader or does not answer.
static int leader_at(int port) {
    redisContext *context = try_connect(port);
    if (!context) return -1;
    redisReply *reply = redisCommand(context, "INFO raft");
    const char *field = reply && reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "\nleader_id:") : NULL;
    int found = field ? atoi(field + strlen("\nleader_id:")) - 1 : -1;
    if (reply) freeReplyObject(reply);
    redisFree(context);
    return found;
}

static int leader(void) {
    for (int tries = 0; tries < PATIENCE_SECONDS * 100; tries++) {
        int found = leader_at(ports[0]), agree = found >= 0;
        for (int i = 1; i < ports_count; i++) agree &= leader_at(ports[i]) == found;
        if (agree) return found;
        usleep(10 * 1000);
    }
    failed("no leader that all agree on");
}

static void kill_node(int node) {
    char path[4096];
    int pid = 0;
    snprintf(path, sizeof path, "%s/node%d.pid", getenv("COMPAT_DIR"), node + 1);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%d", &pid) != 1 || kill(pid, SIGKILL) != 0) failed("%s: no process", path);
    fclose(file);
}

// Whether this error is expected during an election or a restart, so that the program repeats the request. Either nothing was done, or
// the outcome is uncertain: the requests of this program may be executed twice.
static int passes(const char *error) {
    static const char *const codes[] = {"LOADING ", "CLUSTERDOWN ", "TRYAGAIN ", "UNCERTAIN "};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strncmp(error, codes[i], strlen(codes[i])) == 0) return 1;
    return 0;
}

// hiredis itself never retries, so its users write a loop like this one around redisReconnect.
static void persistently(redisContext *context, const char *request, const char *wanted) {
    for (int tries = 0; tries < PATIENCE_SECONDS * 100; tries++) {
        redisReply *reply = context->err ? NULL : redisCommand(context, request);
        if (reply && reply->type != REDIS_REPLY_ERROR) {
            text(reply, reply->type, wanted, request);
            return;
        }
        if (reply && !passes(reply->str)) failed("%s: %s", request, reply->str);
        if (reply) freeReplyObject(reply);
        usleep(10 * 1000);
        if (context->err) redisReconnect(context);
    }
    failed("%s: no answer for %d s", request, PATIENCE_SECONDS);
}

static void failover(void) {
    int node = leader();
    redisContext *context = connect_to(ports[node]);
    text(ask(context, "JSON.SET before $ 1"), REDIS_REPLY_STATUS, "OK", "JSON.SET");
    kill_node(node);
    persistently(context, "JSON.SET after $ 2", "OK");
    persistently(context, "JSON.GET before", "1");
    persistently(context, "JSON.GET after", "2");
    redisFree(context);
    did("a killed leader");
}

int main(void) {
    char *list = strdup(getenv("COMPAT_PORTS"));
    for (char *word = strtok(list, " "); word && ports_count < PORTS_MAX; word = strtok(NULL, " "))
        ports[ports_count++] = atoi(word);
    free(list);
    snprintf(name, sizeof name, "hiredis %d.%d.%d (%d node%s)", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH, ports_count,
             ports_count > 1 ? "s" : "");
    redisContext *context = connect_to(atoi(getenv("COMPAT_PORT")));
    if (has(context, "JSON.SET")) {
        one_at_a_time(context);
        pipelines(context);
    }
    resp3();
    transactions(context);
    publish(context);
    redisFree(context);
    if (ports_count > 1) failover();
    printf("%s: %s%s%s\n", name, done, *without ? "; without " : "", without);
    return 0;
}
