/* SPDX-License-Identifier: Apache-2.0
 *
 * libehrlink: health records from a patient's device to a clinic's terminal, and back, by a
 * tap.
 *
 * The library talks to the ehrlinkd service on the system bus; proto/dbus/org.ehrlink1.*.xml is
 * the contract underneath, and the a{sv} that functions here take and return have the keys that
 * it documents. An application
 *
 *   1. makes an #EhrlinkClient,
 *   2. opens a session with ehrlink_client_send_async() or ehrlink_client_receive_async(),
 *   3. answers #EhrlinkSession::consent-requested (sender) or collects with
 *      ehrlink_session_collect_async() on #EhrlinkSession::items-arrived (receiver),
 *   4. waits for #EhrlinkSession::ended.
 *
 * A script that does nothing but receive calls ehrlink_receive_to() instead: it blocks.
 *
 * All else is asynchronous and belongs to the thread-default main context in which the client
 * was made; objects are not to be used from another thread. Nothing of it blocks, other than
 * ehrlink_item_recognise_all(): files are opened, copied and synchronised on worker threads.
 */
#pragma once

#include "ehrlink-client.h"
#include "ehrlink-details.h"
#include "ehrlink-enums.h"
#include "ehrlink-error.h"
#include "ehrlink-item.h"
#include "ehrlink-later.h"
#include "ehrlink-name.h"
#include "ehrlink-receive.h"
#include "ehrlink-session.h"
#include "ehrlink-transfer.h"
