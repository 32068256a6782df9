// What the tables of the specification share. Only schema*.cpp include it. Thread side: any (constants).
#pragma once

#include <array>

#include "ignition/schema.h"

namespace diatom::ignition::schema {

inline constexpr Type kText{};
inline constexpr Type kNumber{.form = Form::number};
inline constexpr Type kFlag{.form = Form::boolean};
inline constexpr Type kTexts{.form = Form::list, .item = &kText, .same = Same::value};
inline constexpr Type kWords{.form = Form::list, .item = &kText};  // arguments of a program
inline constexpr Type kAnything{.form = Form::object};             // of what is refused as a whole

extern const Type kResource;  // schema.cpp
extern const Type kStorage;   // schema_storage.cpp

}  // namespace diatom::ignition::schema
