/*
 * The library as a C program uses it, on two real links, and as none should use it. Valid as C and as C++.
 *
 * Runs in a network namespace with two virtual cables: a0 is down and has an address, a1 is up; their far ends are b0
 * and b1. Ends with status 0 if all is as it should be.
 */
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsession.h"

#define OK(call) expect(NETSESSION_RESULT_OK, (call), #call, __LINE__)
#define REFUSED(code, call) expect(NETSESSION_RESULT_##code, (call), #call, __LINE__)
#define CHECK(what) check((what), #what, __LINE__)

static void check(bool is_so, const char *what, int line) {
    if (!is_so) {
        fprintf(stderr, "line %d: not so: %s\n", line, what);
        exit(1);
    }
}

static void expect(netsession_result wanted, netsession_result got, const char *call, int line) {
    char words[1024];
    if (netsession_last_error(words, sizeof words) != NETSESSION_RESULT_OK) {
        strcpy(words, "(no words)");
    }
    if (got != wanted) {
        fprintf(stderr, "line %d: %s is %d and not %d: %s\n", line, call, (int)got, (int)wanted, words);
        exit(1);
    }
    check(got == NETSESSION_RESULT_OK || words[0] != '\0', "a refusal has words", line);
}

static void run(const char *command) {
    check(system(command) == 0, command, __LINE__);
}

/* One round of a program's own loop. */
static void wait_and_turn(netsession_driver *driver) {
    struct pollfd watched;
    int timeout_ms;
    watched.events = POLLIN;
    OK(netsession_driver_fd(driver, &watched.fd));
    OK(netsession_driver_next_deadline(driver, &timeout_ms));
    CHECK(poll(&watched, 1, timeout_ms) >= 0);
    OK(netsession_driver_turn(driver));
}

/* Drops all events up to one of this kind about this session. */
static netsession_event until(netsession_driver *driver, netsession_session *session, netsession_event_kind kind) {
    netsession_event event;
    for (;;) {
        while (netsession_driver_next_event(driver, &event) == NETSESSION_RESULT_OK) {
            if (event.session == session && event.kind == kind) {
                return event;
            }
        }
        wait_and_turn(driver);
    }
}

/* Waits until a link is up, or is not any more: the kernel tells of the carrier a while later. */
static void until_up(netsession_driver *driver, const char *link, bool is_up) {
    netsession_event event;
    do {
        event = until(driver, NULL, NETSESSION_EVENT_KIND_CONFIGURATION_CHANGED);
    } while (strcmp(event.configuration, link) != 0
             || (event.configuration_state == NETSESSION_CONFIGURATION_STATE_ACTIVE) != is_up);
}

static netsession_session *opened(netsession_driver *driver, const char *name) {
    netsession_session *session;
    char identifier[128];
    bool is_open;
    OK(netsession_driver_find(driver, name, identifier, sizeof identifier));
    OK(netsession_session_new(driver, identifier, &session));
    REFUSED(NOT_OPENING, netsession_session_wait_for_opened(session, -1));
    OK(netsession_session_open(session));
    OK(netsession_session_wait_for_opened(session, -1));
    OK(netsession_session_is_open(session, &is_open));
    CHECK(is_open);
    until(driver, session, NETSESSION_EVENT_KIND_OPENED);
    return session;
}

static bool is_in_state(netsession_session *session, netsession_state wanted) {
    netsession_state state;
    OK(netsession_session_state(session, &state));
    return state == wanted;
}

static bool is_on(netsession_session *session, const char *wanted) {
    char name[IF_NAMESIZE], identifier[128];
    uint32_t index;
    OK(netsession_session_interface_name(session, name, sizeof name));
    OK(netsession_session_interface_index(session, &index));
    OK(netsession_session_active_configuration(session, identifier, sizeof identifier));
    return strcmp(name, wanted) == 0 && index == if_nametoindex(wanted) && strcmp(identifier, wanted) == 0;
}

/* A session is told of the loss of its link, and knows why. */
static void lose(netsession_driver *driver) {
    netsession_session *session = opened(driver, "a1");
    netsession_event event;
    netsession_error error;
    char words[256];
    bool is_open;

    CHECK(is_in_state(session, NETSESSION_STATE_CONNECTED));
    CHECK(is_on(session, "a1"));
    REFUSED(NOTHING, netsession_session_error(session, &error));
    REFUSED(NOTHING, netsession_session_error_string(session, words, sizeof words));
    run("ip link set b1 down");
    event = until(driver, session, NETSESSION_EVENT_KIND_ERROR);
    CHECK(event.error == NETSESSION_ERROR_SESSION_ABORTED && event.cause == NETSESSION_CAUSE_LINK_LOST);
    CHECK(event.configuration == NULL);
    event = until(driver, session, NETSESSION_EVENT_KIND_CLOSED);
    CHECK(event.reason == NULL);
    OK(netsession_session_is_open(session, &is_open));
    CHECK(!is_open);
    CHECK(!is_in_state(session, NETSESSION_STATE_CONNECTED));
    OK(netsession_session_error(session, &error));
    CHECK(error == NETSESSION_ERROR_SESSION_ABORTED);
    OK(netsession_session_error_string(session, words, sizeof words));
    CHECK(words[0] != '\0');
    REFUSED(NOTHING, netsession_session_interface_name(session, words, sizeof words));
    OK(netsession_session_open(session));
    REFUSED(NOT_OPENING, netsession_session_wait_for_opened(session, -1));
    OK(netsession_session_error(session, &error));
    CHECK(error == NETSESSION_ERROR_INVALID_CONFIGURATION);
    OK(netsession_session_free(session));
    run("ip link set b1 up");
}

/* A session waits for a link that has no carrier, until that is gone. */
static void wait_in_vain(netsession_driver *driver) {
    netsession_session *session;
    netsession_event event;
    run("ip link add c0 type veth peer name c1");
    do {
        event = until(driver, NULL, NETSESSION_EVENT_KIND_CONFIGURATION_ADDED);
    } while (strcmp(event.configuration, "c0") != 0);
    OK(netsession_session_new(driver, "c0", &session));
    OK(netsession_session_open(session));
    REFUSED(TIMED_OUT, netsession_session_wait_for_opened(session, 0));
    CHECK(is_in_state(session, NETSESSION_STATE_CONNECTING));
    run("ip link delete c0");
    REFUSED(NOT_OPENED, netsession_session_wait_for_opened(session, -1));
    CHECK(is_in_state(session, NETSESSION_STATE_INVALID));
    OK(netsession_session_free(session));
}

/* Waits for the offer and shows it. */
static void show_offer(
    netsession_driver *driver, netsession_session *session, netsession_offer_kind wanted_kind, const char *wanted
) {
    netsession_event event;
    netsession_offer_kind kind;
    char identifier[128];
    bool is_seamless;
    do {
        event = until(driver, session, NETSESSION_EVENT_KIND_PREFERRED_CONFIGURATION_CHANGED);
        /* A member that begins to be watched has no carrier for a moment: then the offer is taken back, and made anew. */
    } while (netsession_session_offer(session, &kind, &is_seamless, identifier, 2) == NETSESSION_RESULT_NOTHING);
    CHECK(event.offer_kind == wanted_kind && strcmp(event.configuration, wanted) == 0);
    REFUSED(REFUSED, netsession_session_migrate(session));
    REFUSED(BUFFER_TOO_SMALL, netsession_session_offer(session, &kind, &is_seamless, identifier, 2));
    REFUSED(REFUSED, netsession_session_ignore(session));
    OK(netsession_session_offer(session, &kind, &is_seamless, identifier, sizeof identifier));
    CHECK(kind == wanted_kind && !is_seamless && strcmp(identifier, wanted) == 0);
}

/* Takes the offer that was shown, and shows the candidate. */
static void show_candidate(netsession_driver *driver, netsession_session *session, const char *wanted) {
    netsession_event event;
    char identifier[128];
    uint32_t index;
    OK(netsession_session_migrate(session));
    REFUSED(REFUSED, netsession_session_migrate(session));
    event = until(driver, session, NETSESSION_EVENT_KIND_NEW_CONFIGURATION_ACTIVATED);
    CHECK(event.is_decision_due && strcmp(event.configuration, wanted) == 0);
    REFUSED(REFUSED, netsession_session_accept(session));
    OK(netsession_session_candidate(session, &index, identifier, sizeof identifier));
    CHECK(index == if_nametoindex(wanted) && strcmp(identifier, wanted) == 0);
}

/* A session on both links is rescued, offered the better link, rejects it, and ignores it. */
static void roam(netsession_driver *driver) {
    const char *members[] = {"a1", "a0"};
    netsession_session *session;
    netsession_offer_kind kind;
    netsession_roaming_mode mode;
    char identifier[128];
    bool is_seamless;
    uint32_t index;

    OK(netsession_driver_add_service_network(driver, "office", members, 2));
    session = opened(driver, "office");
    OK(netsession_session_set_roaming_mode(session, NETSESSION_ROAMING_MODE_APPLICATION));
    OK(netsession_session_roaming_mode(session, &mode));
    CHECK(mode == NETSESSION_ROAMING_MODE_APPLICATION);
    CHECK(is_on(session, "a1"));

    run("ip link set b1 down");
    show_offer(driver, session, NETSESSION_OFFER_KIND_RESCUE, "a0");
    CHECK(is_in_state(session, NETSESSION_STATE_ROAMING));
    show_candidate(driver, session, "a0");
    OK(netsession_session_accept(session));
    REFUSED(REFUSED, netsession_session_reject(session));
    CHECK(is_on(session, "a0"));

    run("ip link set b1 up");
    show_offer(driver, session, NETSESSION_OFFER_KIND_UPGRADE, "a1");
    show_candidate(driver, session, "a1");
    OK(netsession_session_reject(session));
    CHECK(is_on(session, "a0"));

    /* One that was rejected is offered again when it was lost meanwhile, and the driver has to see that. */
    run("ip link set b1 down");
    until_up(driver, "a1", false);
    run("ip link set b1 up");
    show_offer(driver, session, NETSESSION_OFFER_KIND_UPGRADE, "a1");
    OK(netsession_session_ignore(session));
    REFUSED(NOTHING, netsession_session_offer(session, &kind, &is_seamless, identifier, sizeof identifier));
    REFUSED(NOTHING, netsession_session_candidate(session, &index, identifier, sizeof identifier));

    OK(netsession_session_close(session));
    until(driver, session, NETSESSION_EVENT_KIND_CLOSED);
    OK(netsession_session_stop(session));
    OK(netsession_session_free(session));
}

/* Every function that takes a session, with one that it cannot use. */
static void refuse_session(netsession_session *session, netsession_result code) {
    union {
        netsession_state state;
        netsession_error error;
        netsession_roaming_mode mode;
        bool is_so;
        uint32_t number;
    } answer;
    netsession_offer_kind kind;
    char text[8];
#define ALL(call) expect(code, netsession_session_##call, #call, __LINE__)
    ALL(free(session));
    ALL(open(session));
    ALL(close(session));
    ALL(stop(session));
    ALL(wait_for_opened(session, -1));
    ALL(state(session, &answer.state));
    ALL(is_open(session, &answer.is_so));
    ALL(error(session, &answer.error));
    ALL(error_string(session, text, sizeof text));
    ALL(interface_name(session, text, sizeof text));
    ALL(interface_index(session, &answer.number));
    ALL(active_configuration(session, text, sizeof text));
    ALL(roaming_mode(session, &answer.mode));
    ALL(set_roaming_mode(session, NETSESSION_ROAMING_MODE_FORCED));
    ALL(offer(session, &kind, &answer.is_so, text, sizeof text));
    ALL(migrate(session));
    ALL(ignore(session));
    ALL(candidate(session, &answer.number, text, sizeof text));
    ALL(accept(session));
    ALL(reject(session));
#undef ALL
}

/* Every function that takes a driver, with one that it cannot use. */
static void refuse_driver(netsession_driver *driver, netsession_result code) {
    const char *members[] = {"a0"};
    netsession_session *session;
    netsession_event event;
    char text[8];
    int number;
#define ALL(call) expect(code, netsession_##call, #call, __LINE__)
    ALL(driver_free(driver));
    ALL(driver_fd(driver, &number));
    ALL(driver_next_deadline(driver, &number));
    ALL(driver_wait(driver, -1));
    ALL(driver_turn(driver));
    ALL(driver_find(driver, "a0", text, sizeof text));
    ALL(driver_add_service_network(driver, "home", members, 1));
    ALL(driver_next_event(driver, &event));
    ALL(session_new(driver, "a0", &session));
#undef ALL
}

/* Every function that takes a builder, with one that it cannot use. */
static void refuse_builder(netsession_builder *builder, netsession_result code) {
    const char *members[] = {"a0"};
    netsession_driver *driver;
#define ALL(call) expect(code, netsession_builder_##call, #call, __LINE__)
    ALL(free(builder));
    ALL(build(builder, &driver));
    ALL(address(builder, "a0", "192.0.2.7/24"));
    ALL(gateway(builder, "a0", "192.0.2.1"));
    ALL(dhcp(builder, "a0"));
    ALL(service_network(builder, "home", members, 1));
    ALL(configuration(builder, ""));
    ALL(configuration_file(builder, "/dev/null"));
    ALL(follow_default_route(builder, "home"));
    ALL(watch_carrier(builder, true));
#undef ALL
}

/* What a builder does not take leaves it as it was. */
static void refuse_settings(netsession_builder *builder) {
    const char *wrong[] = {"\xff"};
    char words[256];
#define ALL(code, call) REFUSED(code, netsession_builder_##call)
    ALL(NULL_POINTER, new(NULL));
    ALL(NULL_POINTER, build(builder, NULL));
    ALL(NULL_POINTER, address(builder, NULL, "192.0.2.7/24"));
    ALL(NULL_POINTER, address(builder, "a0", NULL));
    ALL(NULL_POINTER, gateway(builder, NULL, "192.0.2.1"));
    ALL(NULL_POINTER, gateway(builder, "a0", NULL));
    ALL(NULL_POINTER, dhcp(builder, NULL));
    ALL(NULL_POINTER, service_network(builder, "home", NULL, 1));
    ALL(NULL_POINTER, configuration(builder, NULL));
    ALL(NULL_POINTER, configuration_file(builder, NULL));
    ALL(NULL_POINTER, follow_default_route(builder, NULL));
    ALL(INVALID_UTF8, service_network(builder, "home", wrong, 1));
    ALL(INVALID_VALUE, address(builder, "a0", "192.0.2.7"));
    ALL(INVALID_VALUE, address(builder, "a0", "192.0.2.7/33"));
    ALL(INVALID_VALUE, gateway(builder, "a0", "192.0.2.1/24"));
    ALL(SYSTEM, configuration_file(builder, "/there/is/none"));
    ALL(SYSTEM, configuration_file(builder, "/dev/zero"));
    ALL(INVALID_VALUE, configuration(builder, "[access-point.home]\ninterface = \"a0\"\nmetred = true\n"));
#undef ALL
    OK(netsession_last_error(words, sizeof words));
    CHECK(strncmp(words, "3:1: ", 5) == 0 && strstr(words, "metered") != NULL);
}

/* A driver with settings: a0 gets an address and a route by which the machine's own follows. */
static void build(void) {
    const char *members[] = {"home", "a1"}, *wrong[] = {"c0"};
    netsession_builder *builder, *used;
    netsession_driver *driver;
    netsession_session *session;

    OK(netsession_builder_new(&builder));
    refuse_settings(builder);
    OK(netsession_builder_configuration_file(builder, "/dev/null"));
    OK(netsession_builder_configuration(builder, "[access-point.home]\ninterface = \"a0\"\n"));
    OK(netsession_builder_address(builder, "home", "198.51.100.7/24"));
    OK(netsession_builder_gateway(builder, "a0", "198.51.100.1"));
    OK(netsession_builder_dhcp(builder, "b0"));
    OK(netsession_builder_service_network(builder, "office", members, 2));
    OK(netsession_builder_follow_default_route(builder, "home"));
    OK(netsession_builder_watch_carrier(builder, true));
    OK(netsession_builder_build(builder, &driver));
    used = builder;
    refuse_builder(used, NETSESSION_RESULT_UNKNOWN_HANDLE);
    session = opened(driver, "home");
    run("ip address show dev a0 | grep -q 198.51.100.7/24");
    run("ip route show default metric 50 | grep -q 'via 198.51.100.1 dev a0'");
    OK(netsession_session_stop(session));
    while (!is_in_state(session, NETSESSION_STATE_DISCONNECTED)) {
        wait_and_turn(driver);
    }
    run("! ip address show dev a0 | grep -q 198.51.100.7/24");
    OK(netsession_driver_free(driver));

    /* What cannot be built is used up, too. */
    OK(netsession_builder_new(&builder));
    CHECK(builder != used);
    OK(netsession_builder_service_network(builder, "", wrong, 1));
    REFUSED(REFUSED, netsession_builder_build(builder, &driver));
    refuse_builder(builder, NETSESSION_RESULT_UNKNOWN_HANDLE);
    OK(netsession_builder_new(&builder));
    OK(netsession_builder_free(builder));
    refuse_builder(builder, NETSESSION_RESULT_UNKNOWN_HANDLE);
}

/* Handles that were never given. */
static void never_given(void) {
    refuse_builder(NULL, NETSESSION_RESULT_NULL_POINTER);
    refuse_builder((netsession_builder *)~(uintptr_t)0, NETSESSION_RESULT_UNKNOWN_HANDLE);
    refuse_driver(NULL, NETSESSION_RESULT_NULL_POINTER);
    refuse_session(NULL, NETSESSION_RESULT_NULL_POINTER);
    refuse_driver((netsession_driver *)~(uintptr_t)0, NETSESSION_RESULT_UNKNOWN_HANDLE);
    refuse_session((netsession_session *)~(uintptr_t)0, NETSESSION_RESULT_UNKNOWN_HANDLE);
}

/* Places for answers that are none. */
static void nowhere(netsession_driver *driver, netsession_session *session) {
    netsession_offer_kind kind;
    uint32_t index;
    bool is_seamless;
    char text[8];
#define ALL(call) REFUSED(NULL_POINTER, netsession_##call)
    ALL(driver_new(NULL));
    ALL(driver_fd(driver, NULL));
    ALL(driver_next_deadline(driver, NULL));
    ALL(driver_find(driver, NULL, text, sizeof text));
    ALL(driver_find(driver, "a0", NULL, 8));
    ALL(driver_add_service_network(driver, NULL, NULL, 0));
    ALL(driver_add_service_network(driver, "home", NULL, 1));
    ALL(driver_next_event(driver, NULL));
    ALL(session_new(driver, "a0", NULL));
    ALL(session_new(driver, NULL, &session));
    ALL(session_state(session, NULL));
    ALL(session_is_open(session, NULL));
    ALL(session_error(session, NULL));
    ALL(session_error_string(session, NULL, 8));
    ALL(session_interface_name(session, NULL, 8));
    ALL(session_interface_index(session, NULL));
    ALL(session_active_configuration(session, NULL, 8));
    ALL(session_roaming_mode(session, NULL));
    ALL(session_offer(session, NULL, &is_seamless, text, sizeof text));
    ALL(session_offer(session, &kind, NULL, text, sizeof text));
    ALL(session_offer(session, &kind, &is_seamless, NULL, 8));
    ALL(session_candidate(session, NULL, text, sizeof text));
    ALL(session_candidate(session, &index, NULL, 8));
#undef ALL
    expect(NETSESSION_RESULT_NULL_POINTER, netsession_last_error(NULL, 8), "last_error", __LINE__);
}

/* Values that cannot be. */
static void nonsense(netsession_driver *driver, netsession_session *session) {
    const char *members[] = {"a0", "a0"}, *wrong[] = {"a0", "\xff"};
    netsession_session *another = NULL;
    netsession_roaming_mode mode;
    uint32_t numbers[2];
    char text[2] = "x";

    REFUSED(INVALID_VALUE, netsession_session_interface_index(session, (uint32_t *)((char *)numbers + 1)));
    REFUSED(INVALID_UTF8, netsession_driver_find(driver, "\xff", text, sizeof text));
    REFUSED(INVALID_UTF8, netsession_driver_add_service_network(driver, "home", wrong, 2));
    REFUSED(INVALID_VALUE, netsession_driver_add_service_network(driver, "home", members, ~(size_t)0));
    REFUSED(REFUSED, netsession_driver_add_service_network(driver, "home", members, 2));
    REFUSED(REFUSED, netsession_driver_add_service_network(driver, "", members, 1));
    REFUSED(NOT_FOUND, netsession_driver_find(driver, "c0", text, sizeof text));
    REFUSED(BUFFER_TOO_SMALL, netsession_driver_find(driver, "a0", text, sizeof text));
    CHECK(strcmp(text, "a") == 0);
    REFUSED(BUFFER_TOO_SMALL, netsession_driver_find(driver, "a0", text, 0));
    REFUSED(INVALID_VALUE, netsession_session_set_roaming_mode(session, 3));
    REFUSED(INVALID_VALUE, netsession_session_set_roaming_mode(session, -1));
    OK(netsession_session_roaming_mode(session, &mode));
    CHECK(mode == NETSESSION_ROAMING_MODE_FORCED);
    OK(netsession_session_new(driver, "c0", &another));
    CHECK(is_in_state(another, NETSESSION_STATE_INVALID));
    OK(netsession_session_open(another));
    REFUSED(NOT_OPENING, netsession_session_wait_for_opened(another, -1));
    OK(netsession_session_free(another));
}

/* The handles of another thread. */
struct handles {
    netsession_builder *builder;
    netsession_driver *driver;
    netsession_session *session;
};

static void *strange(void *given) {
    const struct handles *handles = (const struct handles *)given;
    netsession_driver *own;
    netsession_session *session;
    refuse_builder(handles->builder, NETSESSION_RESULT_UNKNOWN_HANDLE);
    refuse_driver(handles->driver, NETSESSION_RESULT_UNKNOWN_HANDLE);
    refuse_session(handles->session, NETSESSION_RESULT_UNKNOWN_HANDLE);
    /* One of its own, which nobody frees. */
    OK(netsession_driver_new(&own));
    CHECK(own != handles->driver);
    OK(netsession_session_new(own, "a1", &session));
    OK(netsession_session_open(session));
    return NULL;
}

static void from_another_thread(netsession_driver *driver, netsession_session *session) {
    struct handles handles;
    pthread_t thread;
    OK(netsession_builder_new(&handles.builder));
    handles.driver = driver;
    handles.session = session;
    CHECK(pthread_create(&thread, NULL, strange, &handles) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    OK(netsession_builder_free(handles.builder));
}

int main(void) {
    netsession_driver *driver, *another;
    netsession_session *session, *freed;
    netsession_event event;
    char words[8] = "?";

    /* Only so that a test that would hang ends; nothing is measured by it. */
    alarm(120);
    OK(netsession_last_error(words, sizeof words));
    CHECK(words[0] == '\0');
    never_given();
    build();
    OK(netsession_driver_new(&driver));
    lose(driver);
    until_up(driver, "a1", true);
    roam(driver);
    wait_in_vain(driver);

    OK(netsession_session_new(driver, "a1", &session));
    nowhere(driver, session);
    nonsense(driver, session);
    from_another_thread(driver, session);
    /* What a freed session was told is told to nobody. */
    OK(netsession_session_new(driver, "a1", &freed));
    OK(netsession_session_open(freed));
    OK(netsession_session_free(freed));
    while (netsession_driver_next_event(driver, &event) == NETSESSION_RESULT_OK) {
        CHECK(event.session == session || event.kind >= NETSESSION_EVENT_KIND_CONFIGURATION_ADDED);
    }
    REFUSED(NOTHING, netsession_driver_next_event(driver, &event));
    refuse_session(freed, NETSESSION_RESULT_UNKNOWN_HANDLE);
    OK(netsession_driver_wait(driver, 0));

    OK(netsession_driver_free(driver));
    refuse_driver(driver, NETSESSION_RESULT_UNKNOWN_HANDLE);
    refuse_session(session, NETSESSION_RESULT_UNKNOWN_HANDLE);
    /* Not given out again. */
    OK(netsession_driver_new(&another));
    CHECK(another != driver);
    OK(netsession_driver_free(another));
    puts("all is as it should be");
    return 0;
}
