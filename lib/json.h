/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON text to and from struct vd_value. The only module that knows the JSON library (json-c). */

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "value.h"

/*
 * Parse exactly one JSON document of @len bytes, strictly (RFC 8259; strings in single quotes pass too, as json-c lets
 * them), nested at most 32 levels deep.
 * Returns 0 and a value that the caller frees; -EINVAL with the position and reason in @err for bad JSON or a string
 * that holds a NUL; -ENOMEM. A duplicate key keeps its last value, as json-c does.
 */
int vd_json_parse(const char *text, size_t len, struct vd_value **ret_value, struct vd_err *err) VD_MUST_CHECK;

/*
 * Append @value to @buf as JSON text: one line, or indented by two spaces when @pretty. Slashes are not escaped. A
 * string that is not UTF-8 gets U+FFFD for each bad byte, and when it is the member KEY of an object, the object gains
 * KEY_bytes, the true bytes in base64; non-finite numbers become null. Returns 0 or -ENOMEM.
 */
int vd_json_print(struct vd_buf *buf, const struct vd_value *value, int pretty) VD_MUST_CHECK;
