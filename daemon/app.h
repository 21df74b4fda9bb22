/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdApp: puts the rooms together, in the order of their dependencies, and takes them apart in
 * the reverse one.
 */
#pragma once

#include "daemon/arguments.h"

/* Serves until idle, until SIGTERM or SIGINT, or until something fails. Returns the exit status
 * of the process; what failed was logged. */
int ehd_app_run(const EhdArguments *arguments);
