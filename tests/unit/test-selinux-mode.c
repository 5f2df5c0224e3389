/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's count of what happened to SELinux's mode, and names of domains. */
#include "tap.h"

#include <errno.h>

#include "selinux-domain.h"
#include "selinux-mode.h"

/* Pages as a kernel gave them; version, sequence, enforcing, policyload, deny_unknown. */
static const uint32_t enforcing[] = { 1, 4, 1, 2, 0 }, permissive[] = { 1, 6, 0, 2, 0 }, twice[] = { 1, 10, 0, 2, 0 },
                      loaded[] = { 1, 6, 1, 3, 0 }, both[] = { 1, 8, 0, 3, 0 }, busy[] = { 1, 5, 1, 2, 0 };

static uint32_t between(const uint32_t *before, const uint32_t *now)
{
	struct vd_selinux_state a, b;

	if (vd_selinux_state_parse(before, sizeof(enforcing), &a) < 0 ||
	    vd_selinux_state_parse(now, sizeof(enforcing), &b) < 0)
		return 1000;
	return vd_selinux_switches(&a, &b);
}

int main(void)
{
	struct vd_selinux_state s, a = { .enforcing = true }, b = { .enforcing = false };

	tap_ok(vd_selinux_state_parse(enforcing, sizeof(enforcing), &s) == 0 && s.enforcing && s.counted &&
	               s.sequence == 4 && s.loads == 2,
	       "status page: taken apart");
	tap_int(vd_selinux_state_parse(busy, sizeof(busy), &s), -EBADMSG, "status page: being written");
	tap_int(vd_selinux_state_parse(enforcing, 8, &s), -EBADMSG, "status page: cut");
	tap_int(between(enforcing, enforcing), 0, "switches: none");
	tap_int(between(enforcing, permissive), 1, "switches: one");
	tap_int(between(enforcing, twice), 3, "switches: there, back and there again");
	tap_int(between(enforcing, loaded), 0, "switches: a loaded policy is none");
	tap_int(between(enforcing, both), 1, "switches: one, and a loaded policy");
	tap_int(vd_selinux_switches(&a, &b), 1, "switches: without counts the mode tells");
	tap_ok(vd_selinux_is_type_name("svirt_t") && vd_selinux_is_type_name("a1"), "type name: taken");
	tap_ok(!vd_selinux_is_type_name("") && !vd_selinux_is_type_name("a)b") && !vd_selinux_is_type_name("../x") &&
	               !vd_selinux_is_type_name("-x") && !vd_selinux_is_type_name("1x") &&
	               !vd_selinux_is_type_name("a b"),
	       "type name: what could leave the file or the module is refused");
	return tap_done();
}
