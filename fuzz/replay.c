/*
 * replay.c: a target's corpus as a plain test: replay FILE|FOLDER...
 *
 * Each file is given to the target once, in memory of just its size, so that a sanitizer sees a step beyond its end.
 * A folder without files fails: a test that looks at nothing proves nothing.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static size_t played;

static bool play(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes;
	bool read;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		exit(1);
	}
	if ((bytes = malloc((size_t)st.st_size)) == NULL && st.st_size > 0)
		exit(1);
	read = fread(bytes, 1, (size_t)st.st_size, f) == (size_t)st.st_size;
	fclose(f);
	if (read) {
		printf("%s\n", path);
		fflush(stdout); /* the last line names the file that broke it */
		(void)LLVMFuzzerTestOneInput(bytes, (size_t)st.st_size);
		played++;
	}
	free(bytes);
	return read;
}

static bool play_folder(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);
	bool good = n >= 0;

	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			good &= play(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return good;
}

int main(int argc, char **argv)
{
	bool good = true;
	struct stat st;

	for (int i = 1; i < argc; i++)
		good &= stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? play_folder(argv[i]) : play(argv[i]);
	printf("%zu inputs\n", played);
	return good && played > 0 ? 0 : 1;
}
