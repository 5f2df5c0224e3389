/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt-log.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static bool look_up(void *library, const char *name, void *ret_function)
{
	void *symbol = dlsym(library, name);

	memcpy(ret_function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

bool libvirt_log_open(struct libvirt_log *ret_log)
{
	void *library = dlopen("libvirt.so.0", RTLD_NOW);

	return library && look_up(library, "virLogMessage", &ret_log->message) &&
	       look_up(library, "virLogSetOutputs", &ret_log->set_outputs) &&
	       look_up(library, "virLogSetFilters", &ret_log->set_filters) &&
	       look_up(library, "virLogSetDefaultPriority", &ret_log->set_default_priority);
}
