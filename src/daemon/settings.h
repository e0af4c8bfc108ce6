/*
 * settings.h: what an operator can set, in one table.
 *
 * A setting comes from a flag (--https-port 8443), else from the environment (BERTH_HTTPS_PORT), else from the INI
 * file named by --config (https-port = 8443), else from its default. --help prints from the same rows.
 */
#ifndef BERTH_DAEMON_SETTINGS_H
#define BERTH_DAEMON_SETTINGS_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

#define LISTEN_MAX 16

/* name, C type, default as text, lowest, highest, what the value is, help */
#define SETTINGS(S)                                                                                                                        \
	S(data, TEXT, NULL, 0, 0, "DIR", "data folder: database, keys, certificates [/var/lib/berth for root, else ~/.local/share/berth]") \
	S(domain, TEXT, "berth.test", 0, 0, "NAME", "services, hubs and the device endpoint are one label below it")                       \
	S(listen, TEXT, "127.0.0.1", 0, 0, "ADDRESS[,ADDRESS]", "addresses to listen on, IPv4 or IPv6")                                    \
	S(https_port, NUMBER, "443", 0, 65535, "PORT", "HTTPS; 8443 when left alone and 443 may not be bound; 0: any free port")           \
	S(mqtts_port, NUMBER, "8883", 0, 65535, "PORT", "MQTT; 0: any free port")                                                          \
	S(amqps_port, NUMBER, "5671", 0, 65535, "PORT", "AMQP; 0: any free port")                                                          \
	S(admin_listen, TEXT, "127.0.0.1:9464", 0, 0, "ADDRESS:PORT", "plain HTTP for /healthz, /readyz and /metrics; empty: none")        \
	S(tls_certificate, TEXT, NULL, 0, 0, "FILE", "PEM, the chain without the root [made by a private CA in the data folder]")          \
	S(tls_key, TEXT, NULL, 0, 0, "FILE", "PEM, the key of --tls-certificate")                                                          \
	S(ca, TEXT, NULL, 0, 0, "FILE", "PEM: trusted for linked hubs, beside the system's and our own")                                   \
	S(geo_database, TEXT, NULL, 0, 0, "FILE", "MaxMind format: where addresses are, for the policy geoLatency [none: by measured round trips alone]") \
	S(trusted_proxies, TEXT, NULL, 0, 0, "ADDRESS[/BITS],..", "whose word counts for where a request came from (X-Forwarded-For, Forwarded) [none]") \
	S(proxy_protocol, TEXT, NULL, 0, 0, "ADDRESS[/BITS],..", "whose connections begin with a PROXY header, version 1 or 2, that says where they come from [none]") \
	S(master_key, TEXT, NULL, 0, 0, "FILE", "seals secrets at rest [master.key in the data folder, made at first start]")              \
	S(store, TEXT, NULL, 0, 0, "URL", "sqlite:PATH [berth.db in the data folder]")                                                     \
	S(threads, NUMBER, "0", 0, 256, "N", "event loops; 0: one per core")                                                               \
	S(readers, NUMBER, "0", 0, 256, "N", "threads that read the store; 0: one per core")                                               \
	S(connections, NUMBER, "20000", 1, 10000000, "N", "connections open at once; more are turned away")                                \
	S(connections_per_peer, NUMBER, "10000", 1, 10000000, "N", "of them from one address")                                             \
	S(registrations_per_minute, NUMBER, "0", 0, 100000000, "N", "of one provisioning service; more get 429; 0: no limit")              \
	S(operations_per_minute, NUMBER, "0", 0, 100000000, "N", "service API calls of one provisioning service; 0: no limit")             \
	S(polls_per_10_seconds, NUMBER, "0", 0, 1000000, "N", "of one device asking how its registration stands; more get 429; 0: no limit") \
	S(attempts_kept, NUMBER, "10", 1, 1000, "N", "refusals remembered of each registration ID")                                        \
	S(drain_seconds, NUMBER, "30", 0, 3600, "N", "how long running requests may take after SIGTERM")                                   \
	S(log_level, TEXT, "info", 0, 0, "LEVEL", "debug, info, warn or error")                                                            \
	S(log_format, TEXT, "auto", 0, 0, "FORM", "text, json, or auto: text on a terminal, json otherwise")

#define SETTING_TEXT   const char *
#define SETTING_NUMBER int64_t

struct settings {
#define S(name, type, standard, low, high, value, help) SETTING_##type name;
	SETTINGS(S)
#undef S
	bool https_port_given; /* by anybody: then it is not exchanged for 8443 */
};

/* Read flags from argv (which starts behind the verb), environment and file. ERR_INVALID with a sentence in `why`.
 * *help is set when --help stood among the flags; nothing else counts then. */
MUST_USE enum err settings_read(int argc, char **argv, struct arena *, struct settings *, bool *help, const char **why);

/* The rows as --help shows them. */
void settings_print_help(FILE *);

/* The names of the flags, one after the other from *at = 0, for shell completion; NULL at the end. */
const char *settings_each_flag(size_t *at);

#endif
