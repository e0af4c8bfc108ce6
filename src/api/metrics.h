/*
 * metrics.h: numbers for /metrics, in the OpenMetrics text form.
 *
 * Each loop counts for itself, without locks. To read them, one `struct metrics` travels from loop to loop, each adds
 * what it has (samples of the same labels are summed), and at the end it is printed.
 */
#ifndef BERTH_API_METRICS_H
#define BERTH_API_METRICS_H

#include "api/api.h"

/* name, type, help. The first three are named as operators know them (service-api.md 12.2). */
#define METRICS(M)                                                                                                                         \
	M(RegistrationAttempts, COUNTER, "Answers to registering devices")                                                                 \
	M(AttestationAttempts, COUNTER, "Devices that had to prove themselves, and how it went")                                           \
	M(DeviceAssignments, COUNTER, "Devices assigned to a hub")                                                                         \
	M(berth_registration_seconds, HISTOGRAM, "From the register request to its first answer")                                          \
	M(berth_custom_allocations, COUNTER, "Choices left to a webhook or a rule, and how they went")                                     \
	M(berth_webhook_seconds, HISTOGRAM, "From asking a webhook to its answer, or to giving it up")                                     \
	M(berth_webhooks_running, GAUGE, "Webhooks being asked")                                                                           \
	M(berth_rule_steps, COUNTER, "Instructions that rules have taken")                                                                 \
	M(berth_registrations_running, GAUGE, "Registrations under way")                                                                   \
	M(berth_requests, COUNTER, "Answers by API and class of status")                                                                   \
	M(berth_request_seconds, COUNTER, "Time spent on them")                                                                            \
	M(berth_store_waiting, GAUGE, "Questions and changes that wait for a thread")                                                      \
	M(berth_store_questions, COUNTER, "Questions asked of the store")                                                                  \
	M(berth_store_changes, COUNTER, "Changes put to the store")                                                                        \
	M(berth_store_commits, COUNTER, "Transactions that carried them")                                                                  \
	M(berth_store_commit_seconds, COUNTER, "Time spent committing")                                                                    \
	M(berth_hub_requests, COUNTER, "Requests to linked hubs")                                                                          \
	M(berth_hub_failures, COUNTER, "Those that failed")                                                                                \
	M(berth_hub_in_flight, GAUGE, "Requests under way")                                                                                \
	M(berth_hub_waiting, GAUGE, "Questions waiting for a linked hub")                                                                  \
	M(berth_hub_broken_off, GAUGE, "1 while a hub is left alone after failures")                                                       \
	M(berth_hub_round_trip_seconds, GAUGE, "Smoothed round trip to a linked hub")                                                      \
	M(berth_connections, GAUGE, "Connections open")                                                                                    \
	M(berth_connections_accepted, COUNTER, "Connections accepted")                                                                     \
	M(berth_connections_refused, COUNTER, "Connections turned away at a limit")                                                        \
	M(berth_proxy_headers_refused, COUNTER, "Connections of proxies that had no PROXY header, or a bad one")                           \
	M(berth_handshakes_failed, COUNTER, "TLS handshakes that failed")                                                                  \
	M(berth_certificates_expiring, GAUGE, "Certificates that end within these days; 0d: that have ended")                              \
	M(berth_certificate_next_expiry_seconds, GAUGE, "When the first certificate ends that has not yet, seconds since 1970")            \
	M(process_resident_memory_bytes, GAUGE, "Resident memory")                                                                         \
	M(process_cpu_seconds, COUNTER, "User and system CPU time")                                                                        \
	M(process_open_fds, GAUGE, "Open file descriptors")                                                                                \
	M(process_start_time_seconds, GAUGE, "Start of the process, seconds since 1970")                                                   \
	M(berth_build_info, GAUGE, "1, labelled with the version")

enum metric {
#define M(name, type, help) METRIC_##name,
	METRICS(M)
#undef M
		METRIC_COUNT
};

struct metrics;

/* NULL: out of memory. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics **);

/* Add `value` to the sample with these labels ("hub=\"a\",status=\"200\"", made with metrics_label; absent: none). `suffix`
 * NULL, or "_bucket", "_sum", "_count" of a histogram. A failure to find memory loses the sample. */
void metrics_add(struct metrics *, enum metric, const char *suffix, struct slice labels, double value);

/* One more name="value" behind what is in `labels`, escaped. */
void metrics_label(struct buf *labels, const char *name, struct slice value);

/* The whole text, "# EOF" included. */
void metrics_print(const struct metrics *, struct buf *out);

/* What this loop's api, registrations and links have counted; run it on its loop. `with_store`: the store's numbers too,
 * which are the same for all loops. */
void api_collect(struct api *, struct metrics *, bool with_store);

#endif
