/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon makes of log strings, thousands in a second: virt-admin is a process and a connection for each.
 *   log-oracle filters|outputs < STRINGS
 * STRINGS and answers end with a NUL each: "reject", or "accept|" and what the daemon then has. Ends with status 1 when
 * the daemon is lost, with 3 when there is no libvirt-admin.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library;

static void *symbol(const char *name)
{
	void *address = dlsym(library, name);

	if (!address) {
		fprintf(stderr, "log-oracle: %s\n", dlerror());
		exit(3);
	}
	return address;
}

int main(int argc, char **argv)
{
	void *(*open_daemon)(const char *, unsigned);
	int (*is_alive)(void *), (*set)(void *, const char *, unsigned), (*get)(void *, char **, unsigned);
	char name[64], *string = NULL;
	void *daemon;
	size_t size = 0;

	if (argc != 2 || (strcmp(argv[1], "filters") && strcmp(argv[1], "outputs")))
		return 2;
	library = dlopen("libvirt-admin.so.0", RTLD_NOW);
	if (!library)
		return 3;
	*(void **)&open_daemon = symbol("virAdmConnectOpen");
	*(void **)&is_alive = symbol("virAdmConnectIsAlive");
	snprintf(name, sizeof(name), "virAdmConnectSetLogging%s", *argv[1] == 'f' ? "Filters" : "Outputs");
	*(void **)&set = symbol(name);
	snprintf(name, sizeof(name), "virAdmConnectGetLogging%s", *argv[1] == 'f' ? "Filters" : "Outputs");
	*(void **)&get = symbol(name);
	daemon = open_daemon("libvirtd:///system", 0);
	if (!daemon)
		return 1;
	while (getdelim(&string, &size, 0, stdin) > 0) {
		char *now = NULL;

		if (set(daemon, string, 0) >= 0) {
			/* with no outputs at all there is nothing to get, which counts as an error */
			size_t length = get(daemon, &now, 0) >= 0 && now ? strlen(now) : 0;

			while (length && now[length - 1] == ' ')
				length--;
			printf("accept|%.*s%c", (int)length, length ? now : "", 0);
			free(now);
		} else if (is_alive(daemon) > 0) {
			printf("reject%c", 0);
		} else {
			return 1;
		}
	}
	return fflush(stdout) ? 1 : 0;
}
