#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "base/list.h"
#include "io/trust.h"

#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

struct trust {
	struct list link;
	char *ca_files[TRUST_FILES]; /* "" when there is none */
	X509_STORE *store;
	int holders;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct list all = {&all, &all};

static enum err load_file(X509_STORE *store, const char *path)
{
	if (access(path, R_OK) != 0)
		return ERR_IO;
	return X509_STORE_load_file(store, path) == 1 ? OK : ERR_MALFORMED;
}

static X509_STORE *load(char *const ca_files[TRUST_FILES], enum err *e)
{
	X509_STORE *store = X509_STORE_new();

	*e = store ? OK : ERR_NO_MEMORY;
	/* A machine without the bundle trusts only what it is told to. */
	if (store && access(SYSTEM_BUNDLE, R_OK) == 0)
		*e = load_file(store, SYSTEM_BUNDLE);
	for (int i = 0; i < TRUST_FILES && *e == OK; i++)
		if (*ca_files[i])
			*e = load_file(store, ca_files[i]);
	ERR_clear_error();
	if (*e == OK)
		return store;
	X509_STORE_free(store);
	return NULL;
}

static struct trust *find(const char *const ca_files[TRUST_FILES])
{
	for (struct list *link = all.next; link != &all; link = link->next) {
		struct trust *t = LIST_ITEM(link, struct trust, link);

		if (strcmp(t->ca_files[0], ca_files[0]) == 0 && strcmp(t->ca_files[1], ca_files[1]) == 0)
			return t;
	}
	return NULL;
}

static void trust_free(struct trust *t)
{
	X509_STORE_free(t->store);
	for (int i = 0; i < TRUST_FILES; i++)
		free(t->ca_files[i]);
	free(t);
}

static enum err add(const char *const ca_files[TRUST_FILES], struct trust **out)
{
	struct trust *t = calloc(1, sizeof(*t));
	enum err e = ERR_NO_MEMORY;
	bool named = true;

	if (t == NULL)
		return e;
	for (int i = 0; i < TRUST_FILES; i++)
		named &= (t->ca_files[i] = strdup(ca_files[i])) != NULL;
	if (!named || (t->store = load(t->ca_files, &e)) == NULL) {
		trust_free(t);
		return e;
	}
	list_append(&all, &t->link);
	*out = t;
	return OK;
}

enum err trust_get(const char *const ca_files[TRUST_FILES], X509_STORE **out)
{
	struct trust *t;
	enum err e = OK;

	const char *const files[TRUST_FILES] = {ca_files[0] ? ca_files[0] : "", ca_files[1] ? ca_files[1] : ""};

	pthread_mutex_lock(&guard);
	if ((t = find(files)) == NULL)
		e = add(files, &t);
	if (e == OK) {
		t->holders++;
		*out = t->store;
	}
	pthread_mutex_unlock(&guard);
	return e;
}

void trust_drop(X509_STORE **store)
{
	pthread_mutex_lock(&guard);
	for (struct list *link = all.next; link != &all && *store; link = link->next) {
		struct trust *t = LIST_ITEM(link, struct trust, link);

		if (t->store != *store)
			continue;
		if (--t->holders == 0) {
			list_remove(&t->link);
			trust_free(t);
		}
		break;
	}
	pthread_mutex_unlock(&guard);
	*store = NULL;
}
