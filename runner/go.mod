module c2d.oceanprotocol.com/runner

go 1.25.0
