#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "give_up.h"
#include "meter.h"

/* Nanoseconds on the processor, nanoseconds waiting for it, time slices. */
static void add_thread(int pid, int thread, struct meter *m)
{
	unsigned long long ran, waited, slices;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, thread);
	if ((f = fopen(path, "re")) == NULL)
		return; /* it has just ended */
	if (fscanf(f, "%llu %llu %llu", &ran, &waited, &slices) != 3)
		give_up("%s does not count", path);
	fclose(f);
	m->cpu_us += (double)ran / 1e3;
	m->switches += (double)slices;
}

static void add_written(int pid, struct meter *m)
{
	char path[64], line[128];
	unsigned long long bytes;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/io", pid);
	if ((f = fopen(path, "re")) == NULL)
		return;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "write_bytes: %llu", &bytes) == 1)
			m->written_bytes += (double)bytes;
	fclose(f);
}

static void add_children(int pid, struct meter *m);

static void add_process(int pid, struct meter *m)
{
	struct dirent *entry;
	char path[64];
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if ((threads = opendir(path)) == NULL)
		give_up("process %d is gone", pid);
	while ((entry = readdir(threads)) != NULL)
		if (entry->d_name[0] != '.')
			add_thread(pid, atoi(entry->d_name), m);
	closedir(threads);
	add_written(pid, m);
	add_children(pid, m);
}

static void add_children(int pid, struct meter *m)
{
	char path[64];
	FILE *f;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	if ((f = fopen(path, "re")) == NULL)
		return;
	while (fscanf(f, "%d", &child) == 1)
		add_process(child, m);
	fclose(f);
}

void meter_read(int pid, struct meter *out)
{
	*out = (struct meter){0};
	add_process(pid, out);
}

double meter_resident(int pid)
{
	unsigned long long size, resident;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	if ((f = fopen(path, "re")) == NULL || fscanf(f, "%llu %llu", &size, &resident) != 2)
		give_up("process %d is gone", pid);
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}
