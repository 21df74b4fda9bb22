/* SPDX-License-Identifier: Apache-2.0
 *
 * Names on the bus (proto/dbus). Everything else that is a string constant there is used in one
 * place only.
 */
#pragma once

#define BUS_NAME       "org.ehrlink1"
#define ROOT_PATH      "/org/ehrlink1"
#define SESSION_PREFIX ROOT_PATH "/session/"
#define AGENT_PREFIX   ROOT_PATH "/agent/"

#define MANAGER_INTERFACE  BUS_NAME ".Manager"
#define SESSION_INTERFACE  BUS_NAME ".Session"
#define TRANSFER_INTERFACE BUS_NAME ".Transfer"
#define AGENT_INTERFACE    BUS_NAME ".Agent"

/* Milliseconds. Where polkit may ask for a password, a person has to type it. */
#define CALL_TIMEOUT   60000
#define PERSON_TIMEOUT 300000
/* The transfer of what the clinic sends back, below a session. */
#define REPLY_SUFFIX   "/transfer/1"
