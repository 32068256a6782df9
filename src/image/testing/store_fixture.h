// A store in a temporary directory, for its tests.
#pragma once

#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <memory>
#include <string>

#include "image/store.h"
#include "image/testing/image_builder.h"
#include "tests/support/temp_dir.h"

namespace diatom::image::testing {

inline std::string zstd(const std::string& bytes) {
    std::string compressed(ZSTD_compressBound(bytes.size()), '\0');
    compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(), 3));
    return compressed;
}

inline std::string gzip(const std::string& bytes) {
    std::string compressed(bytes.size() + 1024, '\0');
    isal_zstream stream;
    isal_deflate_stateless_init(&stream);
    stream.gzip_flag = IGZIP_GZIP;
    stream.flush = NO_FLUSH;
    stream.end_of_stream = 1;
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<std::uint32_t>(bytes.size());
    stream.next_out = reinterpret_cast<std::uint8_t*>(compressed.data());
    stream.avail_out = static_cast<std::uint32_t>(compressed.size());
    EXPECT_EQ(isal_deflate_stateless(&stream), COMP_OK);
    compressed.resize(stream.total_out);
    return compressed;
}

class StoreFixture : public ::testing::Test {
protected:
    StoreFixture() : store_(*Store::open(root())) {}

    std::string root() const { return directory_ / "store"; }
    std::string layer_path(const std::string& tar) const {
        return std::format("{}/layers/{}/fs", root(), Digest::of(tar).hex());
    }

    Result<std::shared_ptr<IncomingBlob>> receive(const std::string& bytes) {
        auto blob = TRY(store_->receive_blob({.digest = Digest::of(bytes), .size = bytes.size()}));
        TRY(blob->write(0, bytes));
        return blob;
    }
    Result<void> unpack_blob(const std::string& blob, const Digest& diff_id) {
        return store_->unpack_layer(TRY(receive(blob)), diff_id, {});
    }
    Result<void> unpack(const std::string& tar) { return unpack_blob(tar, Digest::of(tar)); }

    test::TempDir directory_;
    std::unique_ptr<Store> store_;
};

}  // namespace diatom::image::testing
