// What tests of translations share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cloud/cloud_config.h"
#include "document/yaml_reader.h"
#include "machine/check.h"

namespace diatom::cloud::testing {

inline Value read(const std::string& text, const std::string& file = "user-data") {
    auto documents = read_yaml(text, file);
    EXPECT_TRUE(documents) << (documents ? "" : documents.error().what());
    return documents && !documents->empty() ? documents->front() : Value::map();
}

inline std::string json(const Value& value) { return to_json(value, JsonStyle::compact); }

inline std::vector<std::string> texts(const std::vector<Warning>& warnings) {
    std::vector<std::string> texts;
    for (const auto& warning : warnings) texts.push_back(warning.text);
    return texts;
}

inline Options options() {
    Options options;
    options.hash_password = [](std::string_view password) -> Result<std::string> {
        return "$y$hash-of-" + std::to_string(password.size());
    };
    options.memory = 2ULL << 30U;
    return options;
}

// A cloud-config that is translated without a word.
inline Value translated(const std::string& text) {
    auto translation = translate_cloud_config(read(text), options());
    EXPECT_THAT(texts(translation.warnings), ::testing::IsEmpty()) << text;
    EXPECT_TRUE(machine::check(translation.document).empty());
    return std::move(translation.document);
}

inline std::vector<std::string> warned(const std::string& text) {
    return texts(translate_cloud_config(read(text), options()).warnings);
}

}  // namespace diatom::cloud::testing
