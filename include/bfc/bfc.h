/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_BFC_H
#define BFC_BFC_H
/**
 * @file bfc.h
 * All of libbfc.
 */

#include <bfc/container.h>
#include <bfc/err.h>
#include <bfc/hooks.h>
#include <bfc/image.h>
#include <bfc/keys.h>
#include <bfc/registry.h>
#include <bfc/sign.h>
#include <bfc/stats.h>
#include <bfc/store.h>
#include <bfc/version.h>

#endif
