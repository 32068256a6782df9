// What the tables of the configuration share, and the types that one table defines for another. Only schema*.cpp
// include it. Thread side: any (constants).
#pragma once

#include "machine/formats.h"
#include "machine/schema.h"

namespace diatom::machine::schema {

using Names = std::string_view;

inline constexpr Type kText{};
inline constexpr Type kSecret{.secret = true};
inline constexpr Type kFlag{.form = Form::boolean};
inline constexpr Type kCount{.form = Form::number, .least = 0};
inline constexpr Type kPort{.form = Form::number, .least = 1, .most = 65535};
inline constexpr Type kPathText{.format = &kPath};
inline constexpr Type kModeText{.format = &kMode};
inline constexpr Type kSizeText{.format = &kSize};
inline constexpr Type kDurationText{.format = &kDuration};
inline constexpr Type kUrlText{.format = &kUrl};
inline constexpr Type kUserText{.format = &kUserName};
inline constexpr Type kAddressText{.format = &kAddress};
inline constexpr Type kPrefixText{.format = &kPrefix};
inline constexpr Type kMacText{.format = &kMac};
inline constexpr Type kPublicKey{.format = &kSshKey};
inline constexpr Type kCertificate{.format = &kPem};
inline constexpr Type kCommand{.form = Form::command};

inline constexpr Type kTexts{.form = Form::list, .item = &kText};
inline constexpr Type kAddresses{.form = Form::list, .item = &kAddressText};
inline constexpr Type kPrefixes{.form = Form::list, .item = &kPrefixText};
inline constexpr Type kPublicKeys{.form = Form::list, .item = &kPublicKey, .merge = Merge::append};
inline constexpr Type kCommands{.form = Form::list, .item = &kCommand, .merge = Merge::append};
inline constexpr Type kVariables{.form = Form::map, .item = &kText, .format = &kVariable};
inline constexpr Type kOptions{.form = Form::map, .item = &kText};

// schema_accounts.cpp
extern const Type kUsers, kGroups, kSsh;
// schema_files.cpp
extern const Type kFiles, kMounts, kSwap, kDisks, kFileSystems;
// schema_network.cpp
extern const Type kNetwork, kProxies;
// schema_services.cpp
extern const Type kEngine, kServices, kConsole, kLogs;

}  // namespace diatom::machine::schema
