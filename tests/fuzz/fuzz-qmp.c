/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any record: what is found of a monitor's message lies inside the record, and is what stands behind its key. */
#include "fuzz.h"

#include "qmp.h"

static void check_slice(const struct vd_slice *slice, const struct vd_slice *in, const char *what)
{
	FUZZ_CHECK(!slice->len || (slice->s >= in->s && slice->s + slice->len <= in->s + in->len),
	           "%s lies outside the message", what);
}

FUZZ_TARGET("qmp")
{
	char *text = malloc(size ? size : 1); /* of exactly this size */
	struct vd_record record = { 0 };
	struct vd_slice value;
	struct vd_qmp qmp;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	record.message = (struct vd_slice){ text, size };
	if (vd_qmp_parse(&record, &qmp)) {
		FUZZ_CHECK(qmp.kind != VD_QMP_NONE, "a message of no kind");
		check_slice(&qmp.name, &record.message, "name");
		check_slice(&qmp.id, &record.message, "id");
		check_slice(&qmp.arguments, &record.message, "arguments");
		check_slice(&qmp.error, &record.message, "error");
		FUZZ_CHECK(qmp.is_error || !qmp.error.len, "the text of an error that is none");
	}
	if (vd_json_member(&record.message, "id", &value)) {
		check_slice(&value, &record.message, "value");
		FUZZ_CHECK(value.s >= text + 6, "no room for the key before the value");
	}
	free(text);
	return 0;
}
