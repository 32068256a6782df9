// What the tables of the Compose file share: scalars, lists of them, and the types that one table defines for another.
// Only the schema_*.cpp include it. Thread side: any (constants).
#pragma once

#include <array>
#include <string_view>

#include "compose/schema.h"

namespace diatom::compose::schema {

using Names = std::string_view;

inline constexpr Type kText{};
inline constexpr Type kAnyText{.as = As::any_text};
inline constexpr Type kInteger{.as = As::integer};
inline constexpr Type kReal{.as = As::real};
inline constexpr Type kFlag{.as = As::boolean};
inline constexpr Type kBytes{.as = As::bytes};
inline constexpr Type kDuration{.as = As::duration};
inline constexpr Type kCount{.as = As::count};
inline constexpr Type kFile{.path = Path::file};
inline constexpr Type kContext{.path = Path::context};
inline constexpr Type kNullableText{.nullable = true};

inline constexpr Type kTexts{.form = Form::list, .item = &kText};
inline constexpr Type kDistinct{.form = Form::list, .item = &kText, .same = Same::refused};
inline constexpr Type kDistinctMixed{.form = Form::list, .item = &kAnyText, .same = Same::refused};
inline constexpr Type kTextSet{.form = Form::list, .item = &kText, .same = Same::key};
inline constexpr Type kMixedSet{.form = Form::list, .item = &kAnyText, .same = Same::text};
inline constexpr Type kTextOrList{.form = Form::list, .item = &kText, .short_form = Short::one_text, .same = Same::key};
inline constexpr Type kFileOrList{
    .form = Form::list, .item = &kFile, .short_form = Short::one_text, .same = Same::text};
inline constexpr Type kVariables{.form = Form::pairs, .as = As::variable};
inline constexpr Type kLabels{.form = Form::pairs, .as = As::label};
inline constexpr Type kContexts{.form = Form::pairs, .as = As::label, .path = Path::context};
inline constexpr Type kOptions{.form = Form::map, .item = &kAnyText};
inline constexpr Type kOptionOrNull{.as = As::any_text, .nullable = true};
inline constexpr Type kNullableOptions{.form = Form::map, .item = &kOptionOrNull};
inline constexpr Type kCommand{
    .form = Form::list, .item = &kText, .short_form = Short::words, .merge = Merge::replace, .nullable = true};
inline constexpr Type kHosts{.form = Form::list, .item = &kText, .short_form = Short::hosts, .same = Same::text};

// Secrets and configs, of a service and of a build: schema_service.cpp.
extern const Type kMount;

// schema_build.cpp
extern const Type kBuild;
extern const Type kDevelop;
extern const Type kHooks;

// schema_resources.cpp
extern const Type kBlkio;
extern const Type kDeploy;
extern const Type kGpus;
extern const Type kLimits;

// schema_service.cpp
extern const Type kService;

}  // namespace diatom::compose::schema
