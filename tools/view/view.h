/* SPDX-License-Identifier: Apache-2.0
 *
 * What ehr-view was asked to do, and the parts that do it: each takes the files and returns the
 * exit status.
 */
#pragma once

#include "tools/common/cli.h"

typedef struct {
    CliCommon common;
    gboolean check;
    gboolean narrative;
    char *html;   /* owned, nullable: file to write a page to */
    char **files; /* owned, NULL-terminated */
} ViewOptions;

/* --check: findings by rule and severity; 65 when a file has errors, 66 when one cannot be
 * read. */
int view_check(const ViewOptions *options);
/* The records themselves, on the terminal or as a page; 66 when one cannot be read, 73 when the
 * page cannot be written. */
int view_show(const ViewOptions *options);
