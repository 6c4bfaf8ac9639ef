/*
 * netsession: sessions on the network interfaces of a Linux machine.
 *
 * A program opens a session on an interface, or on a service network of several that lead to the same place, and
 * is told when the link comes, goes, or is taken away. Link with -lnetsession. This file is written by a program
 * from io-linux/capi/src, and is the documentation.
 *
 *     netsession_driver *driver;
 *     netsession_session *session;
 *     char link[128];
 *
 *     if (netsession_driver_new(&driver) == NETSESSION_RESULT_OK
 *         && netsession_driver_find(driver, "eth0", link, sizeof link) == NETSESSION_RESULT_OK
 *         && netsession_session_new(driver, link, &session) == NETSESSION_RESULT_OK
 *         && netsession_session_open(session) == NETSESSION_RESULT_OK
 *         && netsession_session_wait_for_opened(session, 30000) == NETSESSION_RESULT_OK) {
 *         ... the link is up, and stays up for as long as somebody holds it ...
 *     }
 *     netsession_driver_free(driver);
 *
 * To hear of losses, wait with poll() for netsession_driver_fd() to be readable and for
 * netsession_driver_next_deadline() to be over, then call netsession_driver_turn(), then take all events by
 * netsession_driver_next_event(). netsession_driver_wait() does the waiting for a program without a loop.
 * Nothing happens between two calls, and nothing polls; there are no threads and no callbacks.
 *
 * Results. Every function returns a netsession_result, and answers by its last arguments, which are written only
 * with NETSESSION_RESULT_OK (a buffer that is too small also gets the beginning of the text).
 * netsession_last_error() has words for it.
 *
 * Settings. netsession_driver_new() makes a driver without any. A netsession_builder collects them (addresses,
 * gateways, DHCP, service networks, a configuration file), and netsession_builder_build() makes a driver with them.
 *
 * Handles. A netsession_builder *, netsession_driver * and netsession_session * are names that lead to no memory.
 * None is used twice. One that was freed, that another thread has made, or that never was one is refused with
 * NETSESSION_RESULT_UNKNOWN_HANDLE. A handle is for the thread that made it: the library shares nothing between
 * threads. Each thread may have drivers of its own; what it has not freed when it ends is freed then. After fork()
 * the child must leave them alone, and call exec or make its own. No signal handler may call a function.
 *
 * Texts end with a NUL and are UTF-8. Those that are asked for are copied into a buffer of the caller, of `size`
 * bytes with the NUL. Those of an event belong to the driver, until its next event is taken.
 *
 * Pointers. NULL is refused with NETSESSION_RESULT_NULL_POINTER, an address that is not aligned with
 * NETSESSION_RESULT_INVALID_VALUE. Any other must lead to what the function takes: a text that ends, memory for an
 * answer, a buffer of as many bytes as are said. That cannot be checked.
 *
 * No panic of Rust gets over this border: a bug in the library is NETSESSION_RESULT_INTERNAL.
 */


#ifndef NETSESSION_H
#define NETSESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How a call ended. Where it is not NETSESSION_RESULT_OK, netsession_last_error() has words for it, and nothing has
// changed, unless the code says otherwise.
typedef enum {
  // It was done.
  NETSESSION_RESULT_OK = 0,
  // There is none: no event, no offer, no error, no interface.
  NETSESSION_RESULT_NOTHING = 1,
  // The time is over; what was waited for goes on.
  NETSESSION_RESULT_TIMED_OUT = 2,
  // The session could not be opened: see netsession_session_error().
  NETSESSION_RESULT_NOT_OPENED = 3,
  // The session is not being opened: nobody has asked for it, that failed at once, or it was closed meanwhile.
  NETSESSION_RESULT_NOT_OPENING = 4,
  // The text did not fit: the buffer has its beginning, in whole characters.
  NETSESSION_RESULT_BUFFER_TOO_SMALL = 5,
  // A pointer that is needed is NULL.
  NETSESSION_RESULT_NULL_POINTER = 6,
  // The handle is none of this thread: it was freed, was made by another thread, or never was a handle.
  NETSESSION_RESULT_UNKNOWN_HANDLE = 7,
  // A text is not UTF-8.
  NETSESSION_RESULT_INVALID_UTF8 = 8,
  // A number or address that cannot be.
  NETSESSION_RESULT_INVALID_VALUE = 9,
  // No configuration has this name.
  NETSESSION_RESULT_NOT_FOUND = 10,
  // More than one configuration has this name.
  NETSESSION_RESULT_AMBIGUOUS = 11,
  // The session does not take this now, such as an answer to an offer that no longer stands.
  NETSESSION_RESULT_REFUSED = 12,
  // The kernel refused something. The driver goes on.
  NETSESSION_RESULT_SYSTEM = 13,
  // A bug in the library, or a call out of a signal handler during another call.
  NETSESSION_RESULT_INTERNAL = 14,
} netsession_result;

// What happened. In brackets: the fields of netsession_event that belong to it beside `kind` and, for the first
// eight, `session`.
typedef enum {
  // A session's state is another [state].
  NETSESSION_EVENT_KIND_STATE_CHANGED = 0,
  // A session is open: its link may be used.
  NETSESSION_EVENT_KIND_OPENED = 1,
  // A session is no longer open, or no longer opening.
  NETSESSION_EVENT_KIND_CLOSED = 2,
  // Something went wrong with a session [error, cause, reason].
  NETSESSION_EVENT_KIND_ERROR = 3,
  // The application is asked whether to move [configuration, is_seamless, offer_kind]: see
  // netsession_session_offer().
  NETSESSION_EVENT_KIND_PREFERRED_CONFIGURATION_CHANGED = 4,
  // The offer no longer stands [configuration].
  NETSESSION_EVENT_KIND_OFFER_WITHDRAWN = 5,
  // The other access point is up [configuration, is_decision_due]; if a decision is due, see
  // netsession_session_candidate().
  NETSESSION_EVENT_KIND_NEW_CONFIGURATION_ACTIVATED = 6,
  // The policies of the link in use are others [usage_policies].
  NETSESSION_EVENT_KIND_USAGE_POLICIES_CHANGED = 7,
  // A configuration was added [configuration].
  NETSESSION_EVENT_KIND_CONFIGURATION_ADDED = 8,
  // A configuration was removed [configuration].
  NETSESSION_EVENT_KIND_CONFIGURATION_REMOVED = 9,
  // A configuration is not what it was [configuration, configuration_state].
  NETSESSION_EVENT_KIND_CONFIGURATION_CHANGED = 10,
  // The first link came up, or the last went down [is_online].
  NETSESSION_EVENT_KIND_ONLINE_STATE_CHANGED = 11,
  // The configurations were looked for again, as somebody had asked.
  NETSESSION_EVENT_KIND_UPDATE_COMPLETED = 12,
} netsession_event_kind;

// What a session is in.
typedef enum {
  // Its configuration is gone or never was.
  NETSESSION_STATE_INVALID = 0,
  // Its configuration is known but not in reach.
  NETSESSION_STATE_NOT_AVAILABLE = 1,
  // The link is on its way up.
  NETSESSION_STATE_CONNECTING = 2,
  // The link is up. Only an open session may use it: see netsession_session_is_open().
  NETSESSION_STATE_CONNECTED = 3,
  // The link is on its way down.
  NETSESSION_STATE_CLOSING = 4,
  // The link is down and could be started.
  NETSESSION_STATE_DISCONNECTED = 5,
  // Between two access points of a service network.
  NETSESSION_STATE_ROAMING = 6,
} netsession_state;

// What went wrong with a session.
typedef enum {
  // Anything else, deadlines included.
  NETSESSION_ERROR_UNKNOWN = 0,
  // The user, the system or another session ended it.
  NETSESSION_ERROR_SESSION_ABORTED = 1,
  // Roaming failed, or the session cannot roam any further.
  NETSESSION_ERROR_ROAMING = 2,
  // The platform cannot do it, such as starting a link without CAP_NET_ADMIN.
  NETSESSION_ERROR_OPERATION_NOT_SUPPORTED = 3,
  // The configuration is gone, or not in reach.
  NETSESSION_ERROR_INVALID_CONFIGURATION = 4,
} netsession_error;

// What an error was caused by, finer than netsession_error.
typedef enum {
  // No capability to start the link.
  NETSESSION_CAUSE_NOT_POSSIBLE = 0,
  // The device carries another access point.
  NETSESSION_CAUSE_DEVICE_TAKEN = 1,
  // The configuration is not in reach.
  NETSESSION_CAUSE_CONFIGURATION_UNAVAILABLE = 2,
  // The configuration was removed, or never was.
  NETSESSION_CAUSE_REMOVED = 3,
  // The platform refused.
  NETSESSION_CAUSE_REFUSED = 4,
  // The user cancelled.
  NETSESSION_CAUSE_CANCELLED = 5,
  // The platform tried and failed.
  NETSESSION_CAUSE_FAILED = 6,
  // A deadline passed.
  NETSESSION_CAUSE_TIMED_OUT = 7,
  // The link went down.
  NETSESSION_CAUSE_LINK_LOST = 8,
  // Another session stopped the link.
  NETSESSION_CAUSE_STOPPED_BY_OTHER = 9,
  // No capability to stop the link.
  NETSESSION_CAUSE_CANNOT_STOP = 10,
  // The platform refused to stop the link.
  NETSESSION_CAUSE_STOP_REFUSED = 11,
  // The link did not go down in time.
  NETSESSION_CAUSE_STOP_TIMED_OUT = 12,
  // A migration failed; the session lives on.
  NETSESSION_CAUSE_ROAMING_FAILED = 13,
} netsession_cause;

// Why a session is offered another access point.
typedef enum {
  // A member preferred to the one in use is usable.
  NETSESSION_OFFER_KIND_UPGRADE = 0,
  // The member in use was lost.
  NETSESSION_OFFER_KIND_RESCUE = 1,
} netsession_offer_kind;

// How near a configuration is to being usable.
typedef enum {
  // Seen, but not configured.
  NETSESSION_CONFIGURATION_STATE_UNDEFINED = 1,
  // Configured, not in reach.
  NETSESSION_CONFIGURATION_STATE_DEFINED = 2,
  // In reach: a session can be opened, if the platform can start it.
  NETSESSION_CONFIGURATION_STATE_DISCOVERED = 6,
  // Up.
  NETSESSION_CONFIGURATION_STATE_ACTIVE = 14,
} netsession_configuration_state;

// How a session on a service network roams.
typedef enum {
  // The application is asked before and after.
  NETSESSION_ROAMING_MODE_APPLICATION = 0,
  // It roams by itself.
  NETSESSION_ROAMING_MODE_FORCED = 1,
  // It does not roam.
  NETSESSION_ROAMING_MODE_SUPPRESSED = 2,
} netsession_roaming_mode;

// Settings of a driver that is to be made.
typedef struct netsession_builder netsession_builder;

// All links of the network namespace of the thread that made it.
typedef struct netsession_driver netsession_driver;

// A hold on a configuration.
typedef struct netsession_session netsession_session;

// An event. Fields that do not belong to its kind are 0, false or NULL.
typedef struct {
  // What happened.
  netsession_event_kind kind;
  // The session that it is about, or NULL.
  netsession_session *session;
  // The new state.
  netsession_state state;
  // What went wrong.
  netsession_error error;
  // Why.
  netsession_cause cause;
  // Why a session is offered another access point.
  netsession_offer_kind offer_kind;
  // The state of the configuration.
  netsession_configuration_state configuration_state;
  // Bits that tell how the link should be used: 1 not for traffic that the user did not ask for.
  uint32_t usage_policies;
  // Whether connections survive the move by themselves.
  bool is_seamless;
  // Whether the application is to accept or reject the candidate.
  bool is_decision_due;
  // Whether there is a network at all.
  bool is_online;
  // The identifier of the configuration, or NULL. It is the driver's, until the next call of
  // netsession_driver_next_event() or netsession_driver_free() with that driver.
  const char *configuration;
  // The platform's words for an error, or NULL. As `configuration`.
  const char *reason;
} netsession_event;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Makes a builder, which says nothing yet. To be given to netsession_builder_build(), or to be freed by
// netsession_builder_free().
netsession_result netsession_builder_new(netsession_builder **builder);

// Ends a builder of which no driver is made.
netsession_result netsession_builder_free(netsession_builder *builder);

// Makes a driver of it, and returns when all links are known. To be freed by netsession_driver_free(). The builder is
// used up and its handle gone, also if the driver cannot be made; not if `driver` is no place for it.
netsession_result netsession_builder_build(netsession_builder *builder,
                                           netsession_driver **driver);

// An address with the length of its prefix, such as "192.0.2.7/24", that a link gets when it is started, and loses when
// it is stopped. The link by identifier or by the name of its interface, here and below.
netsession_result netsession_builder_address(netsession_builder *builder,
                                             const char *link,
                                             const char *address);

// A gateway of a link, such as "192.0.2.1": the link gets a default route by it when it is started, after its addresses,
// and loses it when it is stopped. The metric is 100 for the most preferred member of a service network and for a link
// that is in none, 200 for the next, and so on.
netsession_result netsession_builder_gateway(netsession_builder *builder,
                                             const char *link,
                                             const char *gateway);

// A link that asks for an address of IPv4 by DHCP when it is started, gets it with its default route, and gives both back
// when it is stopped. Needs CAP_NET_RAW beside CAP_NET_ADMIN.
netsession_result netsession_builder_dhcp(netsession_builder *builder,
                                          const char *link);

// A service network of `count` members, by identifier, the most preferred first. One that cannot be is refused by
// netsession_builder_build().
netsession_result netsession_builder_service_network(netsession_builder *builder,
                                                     const char *identifier,
                                                     const char *const *members,
                                                     size_t count);

// What the text of a configuration file says, in place of what another said; `netsession config example` prints one that
// explains all of it. With NETSESSION_RESULT_INVALID_VALUE netsession_last_error() has a line for each fault, which
// begins with its place: LINE:COLUMN.
netsession_result netsession_builder_configuration(netsession_builder *builder,
                                                   const char *text);

// The same of the file that is there. NETSESSION_RESULT_SYSTEM if it cannot be read. The library looks for none by
// itself.
netsession_result netsession_builder_configuration_file(netsession_builder *builder,
                                                        const char *path);

// The default route of the machine follows the session that is open on this configuration: it is set when that is open,
// moved in one step when that has moved, and taken away when it is closed. Needs CAP_NET_ADMIN.
netsession_result netsession_builder_follow_default_route(netsession_builder *builder,
                                                          const char *configuration);

// Whether a link that is down is brought up without addresses while a session is open that could roam to it, so that it
// shows whether it has carrier. On by default.
netsession_result netsession_builder_watch_carrier(netsession_builder *builder,
                                                   bool watches);

// Makes a driver without settings (else see netsession_builder_new()), and returns when all links are known. To be freed by netsession_driver_free().
netsession_result netsession_driver_new(netsession_driver **driver);

// Ends a driver. Its sessions are closed without events, and their handles are gone with it.
netsession_result netsession_driver_free(netsession_driver *driver);

// The descriptor that is readable (POLLIN) when netsession_driver_turn() has work. It belongs to the driver: do
// nothing with it but wait.
netsession_result netsession_driver_fd(netsession_driver *driver,
                                       int *fd);

// In how many milliseconds netsession_driver_turn() is to be called even if the descriptor is not readable, as
// poll() takes it: 0 is now, -1 never. To be asked anew before every wait.
netsession_result netsession_driver_next_deadline(netsession_driver *driver,
                                                  int *timeout_ms);

// Blocks until netsession_driver_turn() has work, for programs without a loop of their own: at most `timeout_ms`
// milliseconds, without limit if that is negative. A signal ends it, too.
netsession_result netsession_driver_wait(netsession_driver *driver,
                                         int64_t timeout_ms);

// Takes in what the kernel has said, and meets the deadlines that are due. Never blocks. Then take the events, by
// netsession_driver_next_event().
netsession_result netsession_driver_turn(netsession_driver *driver);

// Copies the identifier of the one configuration that has this identifier, name, interface name or alternative
// interface name.
netsession_result netsession_driver_find(netsession_driver *driver,
                                         const char *text,
                                         char *buffer,
                                         size_t size);

// Makes a service network of `count` members, by identifier, the most preferred first: a session on it moves between
// them.
netsession_result netsession_driver_add_service_network(netsession_driver *driver,
                                                        const char *identifier,
                                                        const char *const *members,
                                                        size_t count);

// Takes the next event, or returns NETSESSION_RESULT_NOTHING if none waits. Never blocks. Events of sessions that were freed
// are left out.
netsession_result netsession_driver_next_event(netsession_driver *driver,
                                               netsession_event *event);

// Copies the words for the last call in this thread that did not end with NETSESSION_RESULT_OK: what failed, on what, why,
// and what to do. Empty if there was none. This call is not counted.
netsession_result netsession_last_error(char *buffer,
                                        size_t size);

// Makes a session on a configuration, by its identifier (see netsession_driver_find()). On one that does not exist it
// is in the state NETSESSION_STATE_INVALID for ever. To be freed by netsession_session_free().
netsession_result netsession_session_new(netsession_driver *driver,
                                         const char *configuration,
                                         netsession_session **session);

// Ends a session; it is closed without events.
netsession_result netsession_session_free(netsession_session *session);

// Asks for the link. It is answered by exactly one of the events NETSESSION_EVENT_KIND_OPENED, …_ERROR and …_CLOSED.
netsession_result netsession_session_open(netsession_session *session);

// Gives the hold back; the last one takes the link down if netsession brought it up.
netsession_result netsession_session_close(netsession_session *session);

// Takes the link down, for every session on it.
netsession_result netsession_session_stop(netsession_session *session);

// Makes the driver run until the session is open (NETSESSION_RESULT_OK), could not be opened
// (NETSESSION_RESULT_NOT_OPENED), is not being opened, also because that failed at once
// (NETSESSION_RESULT_NOT_OPENING), or `timeout_ms` milliseconds are over (NETSESSION_RESULT_TIMED_OUT; a negative
// number sets no limit). Events queue meanwhile.
netsession_result netsession_session_wait_for_opened(netsession_session *session,
                                                     int64_t timeout_ms);

// Its state.
netsession_result netsession_session_state(netsession_session *session, netsession_state *state);

// Whether it holds a link that is up, from NETSESSION_EVENT_KIND_OPENED to NETSESSION_EVENT_KIND_CLOSED.
netsession_result netsession_session_is_open(netsession_session *session, bool *is_open);

// The last error, until the next; NETSESSION_RESULT_NOTHING if there was none.
netsession_result netsession_session_error(netsession_session *session, netsession_error *error);

// Copies the last error in words; NETSESSION_RESULT_NOTHING if there was none, or no words came with it.
netsession_result netsession_session_error_string(netsession_session *session, char *buffer, size_t size);

// Copies the name of the interface, which it has exactly while its state is NETSESSION_STATE_CONNECTED; else
// NETSESSION_RESULT_NOTHING. No name is longer than IF_NAMESIZE of <net/if.h>.
netsession_result netsession_session_interface_name(netsession_session *session, char *buffer, size_t size);

// The index of the interface, by which a socket can be bound to it (SO_BINDTOIFINDEX), as
// netsession_session_interface_name().
netsession_result netsession_session_interface_index(netsession_session *session, uint32_t *index);

// Copies the identifier of the access point in use; NETSESSION_RESULT_NOTHING if the session is not open.
netsession_result netsession_session_active_configuration(netsession_session *session,
                                                          char *buffer,
                                                          size_t size);

// How it roams.
netsession_result netsession_session_roaming_mode(netsession_session *session, netsession_roaming_mode *mode);

// Sets how it roams: a netsession_roaming_mode.
netsession_result netsession_session_set_roaming_mode(netsession_session *session, int mode);

// Shows the offer that waits for an answer: why, whether connections survive the move by themselves, and the
// identifier of where to. NETSESSION_RESULT_NOTHING if there is none. Where it does not end with
// NETSESSION_RESULT_OK, the offer was not shown.
netsession_result netsession_session_offer(netsession_session *session,
                                           netsession_offer_kind *kind,
                                           bool *is_seamless,
                                           char *buffer,
                                           size_t size);

// Takes the offer that netsession_session_offer() has shown last: the other link is brought up beside the one in use.
// NETSESSION_RESULT_REFUSED if it does not stand any more, or was answered or never shown.
netsession_result netsession_session_migrate(netsession_session *session);

// Declines the offer that netsession_session_offer() has shown last. NETSESSION_RESULT_REFUSED as there.
netsession_result netsession_session_ignore(netsession_session *session);

// Shows the candidate that is on trial and waits for a decision: the index of its interface, 0 if that is not known,
// and its identifier. NETSESSION_RESULT_NOTHING if there is none. Where it does not end with NETSESSION_RESULT_OK, the
// candidate was not shown.
netsession_result netsession_session_candidate(netsession_session *session,
                                               uint32_t *interface_index,
                                               char *buffer,
                                               size_t size);

// Keeps the candidate that netsession_session_candidate() has shown last; the other link is let go.
// NETSESSION_RESULT_REFUSED if it is not on trial any more, or was decided or never shown.
netsession_result netsession_session_accept(netsession_session *session);

// Goes back to the link in use, and lets the candidate that netsession_session_candidate() has shown last go.
// NETSESSION_RESULT_REFUSED as there.
netsession_result netsession_session_reject(netsession_session *session);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NETSESSION_H */
