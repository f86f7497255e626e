"""What a till or an ERP calls: touches, sales, returns, looking a member up. Every request is signed (docs/pos.md)."""
